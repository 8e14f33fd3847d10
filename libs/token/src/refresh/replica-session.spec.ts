import { beforeEach, describe, expect, it } from 'vitest';
import { TokenConfigurationError } from '../common/errors.js';
import { type TokenEvent, TokenEvents } from '../common/events.js';
import { FixedClock } from '../testing/fixed-clock.js';
import type { Liveness } from './refresh.options.js';
import { ReplicaSession } from './replica-session.js';
import {
  type Look,
  type SessionConnection,
  SessionConnector,
  type SessionListener,
  SessionUnsuitableError,
} from './session-connector.js';

type Opened = SessionConnection & { listener: SessionListener; silent: boolean; closed: boolean };

/** Connections that can be lost, fall silent, or not be had at all. */
class Connections extends SessionConnector {
  override readonly available = true;
  readonly opened: Opened[] = [];
  refusal: Error | null = null;

  override async open(_replicaId: string, listener: SessionListener): Promise<SessionConnection> {
    if (this.refusal) throw this.refusal;
    const connection: Opened = {
      server: `start-${this.opened.length}`,
      hears: true,
      listener,
      silent: false,
      closed: false,
      ping: async () => {
        if (connection.silent) await new Promise(() => undefined);
      },
      close: async () => {
        connection.closed = true;
      },
    };
    this.opened.push(connection);
    return connection;
  }

  override look(): Promise<Look> {
    throw new Error('nobody looks here');
  }

  override isSame(): boolean {
    return true;
  }

  get last(): Opened {
    return this.opened.at(-1)!;
  }
}

const OFTEN = { interval: 1 };

describe('A replica session', () => {
  let connections: Connections;
  let clock: FixedClock;
  let events: TokenEvent[];

  beforeEach(() => {
    connections = new Connections();
    clock = new FixedClock();
    events = [];
  });

  const begin = async (liveness: Liveness = 'auto'): Promise<ReplicaSession> => {
    const stream = new TokenEvents();
    stream.stream.subscribe((event) => events.push(event));
    const session = new ReplicaSession(connections, 'replica', liveness, clock, stream);
    await session.start();
    return session;
  };
  const livenesses = () =>
    events.map((event) => (event.type === 'session_changed' ? event.liveness : event.type));
  /** What is looked at again after a little time has passed. */
  const later =
    <T>(look: () => T) =>
    async (): Promise<T> => {
      await clock.advance(100);
      return look();
    };

  it('is what claims rest on', async () => {
    const session = await begin();
    expect(session.footing()?.claimant).toBe('replica@start-0');
    expect(session.holds(session.footing()!)).toBe(true);
    expect(livenesses()).toEqual(['session']);
    await session.stop();
    expect(connections.last.closed).toBe(true);
  });

  it('that was lost is opened again; what rests on the old one is not presented any more', async () => {
    const session = await begin();
    const footing = session.footing()!;
    connections.last.listener.lost();
    expect(session.holds(footing)).toBe(false);
    await expect.poll(() => connections.opened.length).toBe(2);
    await expect.poll(() => session.footing()?.claimant).toBe('replica@start-1');
    expect(session.holds(footing)).toBe(false);
    expect(livenesses()).toEqual(['session', 'lease', 'session']);
    await session.stop();
  });

  it('that does not answer is replaced before it is closed, so that its lock is never free', async () => {
    const session = await begin();
    const [first] = connections.opened;
    first!.silent = true;
    const refusal = Object.assign(new Error('user and host'), { code: 'ECONNREFUSED' });
    connections.refusal = refusal;
    await expect
      .poll(
        later(() => livenesses().at(-1)),
        OFTEN,
      )
      .toBe('lease');
    expect(first!.closed).toBe(false);
    connections.refusal = null;
    await expect
      .poll(
        later(() => connections.opened.length),
        OFTEN,
      )
      .toBe(2);
    await expect.poll(() => first!.closed).toBe(true);
    expect(JSON.stringify(events)).toContain('ECONNREFUSED');
    expect(JSON.stringify(events)).not.toContain('user and host');
    await session.stop();
  });

  it('that cannot be had leaves leases, and nothing where it is demanded', async () => {
    connections.refusal = new SessionUnsuitableError('a pooler is in between');
    const session = await begin();
    expect(session.footing()).toMatchObject({ claimant: null });
    expect(session.state).toEqual({ liveness: 'lease', reason: 'a pooler is in between' });
    await session.stop();
    await expect(begin('session')).rejects.toThrow(TokenConfigurationError);
    await expect(begin('session')).rejects.toThrow(/a pooler is in between.*set it to "auto"/);
  });

  it('that is demanded and lost lets nobody claim until it is back', async () => {
    const session = await begin('session');
    connections.refusal = new Error('away');
    connections.last.listener.lost();
    expect(session.footing()).toBeNull();
    expect(session.state).toEqual({ liveness: 'none', reason: 'the connection was lost' });
    expect(livenesses()).toEqual(['session', 'none']);
    connections.refusal = null;
    await expect
      .poll(
        later(() => session.footing()?.claimant),
        OFTEN,
      )
      .toBe('replica@start-1');
    await session.stop();
  });

  it('is not opened where claims are to be leases, which rest on them for half their time', async () => {
    const session = await begin('lease');
    expect(connections.opened).toHaveLength(0);
    const footing = session.footing()!;
    await clock.advance(7_400);
    expect(session.holds(footing)).toBe(true);
    await clock.advance(100);
    expect(session.holds(footing)).toBe(false);
    await session.stop();
  });

  it('tells who waits for a row that it was changed, and all when it is lost', async () => {
    const session = await begin();
    const never = new Promise(() => undefined);
    const changed = session.news.unlessChanged('row', never);
    connections.last.listener.changed('row');
    expect(await changed).toBeNull();
    const anything = session.news.unlessChanged('row', never);
    connections.last.listener.lost();
    expect(await anything).toBeNull();
    expect(session.news.flowing).toBe(false);
    await session.stop();
  });
});
