import { beforeEach, describe, expect, it } from 'vitest';
import { ProviderUnavailableError } from '../common/errors.js';
import { TokenEvents } from '../common/events.js';
import type { Provider } from '../oauth/providers.js';
import type { FullTokenRow } from '../store/token-rows.js';
import { FixedClock } from '../testing/fixed-clock.js';
import { Claims } from './claims.js';
import { ask, type Flight } from './effects.js';
import { RefreshDriver } from './refresh-driver.js';
import { ReplicaSession } from './replica-session.js';
import {
  type Look,
  type SessionConnection,
  SessionConnector,
  type SessionListener,
} from './session-connector.js';
import { Spool } from './spool.js';

const row = { id: 'row', generation: 1 } as FullTokenRow;
const provider = { name: 'acme', timeoutSeconds: 30 } as Provider;
const unused = null as never;

/** Writes down what is asked of it. */
class NotedClaims extends Claims {
  readonly notes: string[] = [];
  failures = 0;

  override async claim(_row: FullTokenRow, _id: string, claimant: string | null): Promise<boolean> {
    return this.note(`claim for ${claimant}`);
  }
  override async release(): Promise<void> {
    this.note('release');
  }
  override async letGo(): Promise<void> {
    this.note('let go');
  }
  override async heartbeat(): Promise<void> {
    this.note('heartbeat');
  }
  override async commit(): Promise<boolean> {
    return this.note('commit');
  }
  override async fail(): Promise<boolean> {
    return this.note('fail');
  }

  private note(what: string): true {
    this.notes.push(what);
    if (this.failures-- > 0) throw new Error('the database is away');
    return true;
  }
}

class OneConnection extends SessionConnector {
  override readonly available = true;
  lose: () => void = () => undefined;

  override async open(_replicaId: string, listener: SessionListener): Promise<SessionConnection> {
    this.lose = () => listener.lost();
    return { server: 'server', hears: false, ping: async () => undefined, close: async () => undefined };
  }
  override look(): Promise<Look> {
    throw new Error('nobody looks here');
  }
  override isSame(): boolean {
    return true;
  }
}

describe('A flight in a replica with a session', () => {
  let clock: FixedClock;
  let claims: NotedClaims;
  let connector: OneConnection;
  let driver: RefreshDriver;

  beforeEach(async () => {
    clock = new FixedClock();
    claims = new NotedClaims();
    connector = new OneConnection();
    const events = new TokenEvents();
    const session = new ReplicaSession(connector, 'replica', 'auto', clock, events);
    await session.start();
    const parts = {
      rows: unused,
      store: unused,
      outbox: unused,
      circuits: unused,
      permits: unused,
      lineage: unused,
    };
    const spool = new Spool(null, events);
    driver = new RefreshDriver({ ...parts, claims, spool, session }, clock, events);
    return () => session.stop();
  });

  const run = (flight: Flight<unknown>): Promise<unknown> => driver.run(flight, unused, provider);

  it('that loses its session after its claim presents nothing, and gives the claim back', async () => {
    function* flight(): Flight<unknown> {
      const claimId = yield* ask('claim', row);
      connector.lose();
      return yield* ask('present', {
        row,
        claimId: claimId!,
        refreshToken: 'never to be seen',
        dpopKey: null,
      });
    }
    expect(await run(flight())).toBeNull();
    await driver.writes.settled();
    expect(claims.notes).toEqual(['claim for replica@server', 'release']);
  });

  it('that ends without the end of its claim lets go of it, however long the database is away', async () => {
    function* flight(): Flight<unknown> {
      yield* ask('claim', row);
      claims.failures = 500;
      throw new ProviderUnavailableError('acme', 'what was answered could not be written', 1);
    }
    await expect(run(flight())).rejects.toThrow(ProviderUnavailableError);
    await clock.advance(30 * 60_000);
    await driver.writes.settled();
    expect(claims.notes.slice(0, 2)).toEqual(['claim for replica@server', 'let go']);
    expect(claims.notes).toHaveLength(502);
  });

  it('that has ended its claim leaves it alone', async () => {
    function* flight(): Flight<unknown> {
      const claimId = yield* ask('claim', row);
      const failure = { failure: 'throttled', retryInMs: 1_000, outcomeUnknown: false, reauthorize: false };
      yield* ask('fail', { held: { ...row, claimId, claimedAt: null }, failure });
      throw new ProviderUnavailableError('acme', 'throttled', 1);
    }
    await expect(run(flight())).rejects.toThrow(ProviderUnavailableError);
    await driver.writes.settled();
    expect(claims.notes).toEqual(['claim for replica@server', 'fail']);
  });
});
