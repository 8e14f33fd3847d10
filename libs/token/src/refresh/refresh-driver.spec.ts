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

const row = { id: 'row', generation: 1, now: 60_000, claimId: null, unknownSince: null } as FullTokenRow;
const metadata = async (): Promise<void> => undefined;
const provider = { name: 'acme', timeoutSeconds: 30, options: {}, metadata } as unknown as Provider;
const unused = null as never;

/** Writes down what is asked of it. */
class NotedClaims extends Claims {
  readonly notes: string[] = [];
  failures = 0;
  /** While the claim's answer is on its way. */
  meanwhile = async (): Promise<void> => undefined;

  override async claim(_row: FullTokenRow, _id: string, claimant: string | null): Promise<boolean> {
    const claimed = this.note(`claim for ${claimant}`);
    await this.meanwhile();
    return claimed;
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
  change: (rowId: string) => void = () => undefined;
  /** Looks that have no answer yet. */
  readonly looks: ((look: Look) => void)[] = [];

  override async open(_replicaId: string, listener: SessionListener): Promise<SessionConnection> {
    this.lose = () => listener.lost();
    this.change = (rowId) => listener.changed(rowId);
    return { server: 'server', hears: false, ping: async () => undefined, close: async () => undefined };
  }
  override look(): Promise<Look> {
    return new Promise((answer) => this.looks.push(answer));
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
    const rows = { findFull: async () => ({ ...row, claimId: 'claim', claimReplica: 'other@server' }) };
    const circuits = { notice: () => undefined };
    const store = {
      openAll: async () => ({ refreshToken: 'r', dpopKey: null }),
      sealerFor: async () => unused,
    };
    const parts = { rows: rows as never, store: store as never, outbox: unused, circuits: circuits as never };
    const spool = new Spool(null, events);
    driver = new RefreshDriver(
      { ...parts, permits: unused, lineage: unused, claims, spool, session },
      clock,
      events,
    );
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

  it('claims nothing while the provider is being discovered', async () => {
    let discovered: (() => void) | null = null;
    const silent = {
      name: provider.name,
      timeoutSeconds: provider.timeoutSeconds,
      options: provider.options,
      metadata: () => new Promise<void>((resolve) => (discovered = resolve)),
    } as unknown as Provider;
    function* flight(): Flight<unknown> {
      return yield* ask('claim', row);
    }
    const claiming = driver.run(flight(), unused, silent);
    await expect.poll(() => discovered).not.toBeNull();
    expect(claims.notes).toEqual([]);
    discovered!();
    await claiming;
    expect(claims.notes[0]).toBe('claim for replica@server');
  });

  it('that loses its session while the provider is being discovered presents nothing either', async () => {
    const presented: string[] = [];
    let discoveries = 0;
    const discovered = {
      name: provider.name,
      timeoutSeconds: provider.timeoutSeconds,
      options: provider.options,
      metadata: async () => {
        if (discoveries++ > 0) connector.lose();
      },
      proofOf: () => null,
      credentials: ['secret'],
      client: async (credential: string) => {
        presented.push(credential);
        throw new Error('never to be asked');
      },
    } as unknown as Provider;
    function* flight(): Flight<unknown> {
      const claimId = yield* ask('claim', row);
      return yield* ask('present', {
        row,
        claimId: claimId!,
        refreshToken: 'never to be seen',
        dpopKey: null,
      });
    }
    expect(await driver.run(flight(), unused, discovered)).toBeNull();
    expect(presented).toEqual([]);
    await driver.writes.settled();
    expect(claims.notes).toEqual(['claim for replica@server', 'release']);
  });

  it('that is stopped until the provider takes no replay any more presents nothing, and gives the claim back', async () => {
    const graceful = {
      name: 'acme',
      timeoutSeconds: 30,
      options: { reuseGraceSeconds: 10 },
      metadata,
    } as unknown as Provider;
    const replayed = { ...row, unknownSince: row.now - 5_000 };
    claims.meanwhile = () => clock.advance(6_000);
    function* flight(): Flight<unknown> {
      yield* ask('read', undefined);
      const claimId = yield* ask('claim', replayed);
      return yield* ask('present', {
        row: replayed,
        claimId: claimId!,
        refreshToken: 'never to be seen',
        dpopKey: null,
      });
    }
    expect(await driver.run(flight(), unused, graceful)).toBeNull();
    await driver.writes.settled();
    expect(claims.notes).toEqual(['claim for replica@server', 'release']);
  });

  it('that waits for another replica goes on at its news, also while it looks whether that one lives', async () => {
    function* flight(): Flight<unknown> {
      yield* ask('read', undefined);
      return yield* ask('wait', undefined);
    }
    const waiting = run(flight());
    await expect
      .poll(async () => {
        await clock.advance(40);
        return connector.looks.length;
      })
      .toBe(1);
    connector.change(row.id);
    connector.looks[0]!({ free: false, server: 'server' });
    expect(await waiting).toBe(true);
  });

  it('that waits for a row whose news came while it looked elsewhere goes on at once', async () => {
    function* flight(): Flight<unknown> {
      yield* ask('read', undefined);
      connector.change(row.id);
      return yield* ask('wait', undefined);
    }
    // No time passes: whoever waited for the next look would wait for ever.
    expect(await run(flight())).toBe(true);
    expect(connector.looks).toEqual([]);
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
