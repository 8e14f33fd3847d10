import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import {
  ProviderUnavailableError,
  type ProviderOptions,
  TokenEntity,
  type TokenModuleOptions,
  type TokenRef,
} from '@tokenward/nestjs';
import { ageTokens, type AuthorizationServer, startAuthorizationServer } from '@tokenward/nestjs/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshKeyring, type Replica, startReplica } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import type { ImpatientOrders } from '../support/impatient.process.js';

const RATE = 20;
/** Rows that fail before the provider counts as the reason. */
const THRESHOLD = 5;
/** Longer than any pause without `Retry-After`. */
const LONG_SECONDS = 3_600;

describeOnEachDatabase('A provider that fails', ({ kind, createDatabase }) => {
  let server: AuthorizationServer;
  let database: TestDatabase;
  let options: TokenModuleOptions;
  let one: Replica;
  let two: Replica;
  /** When the server has seen each request. */
  let seenAt: number[];
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    server = await startAuthorizationServer({ mode: 'strict' });
    seenAt = [];
    const { requests } = server.oracle;
    const push = requests.push.bind(requests);
    requests.push = (...seen) => {
      seenAt.push(performance.now());
      return push(...seen);
    };
    database = await createDatabase();
    const { provider } = server;
    options = {
      providers: {
        acme: {
          ...provider,
          clientSecret: [provider.clientSecret, 'former-secret-of-this-client'].flat() as string[],
        },
        other: provider,
        rationed: { ...provider, refreshesPerSecond: RATE },
        slow: { ...provider, refreshesPerSecond: 0.01 },
        wrong: { ...provider, clientSecret: 'not-the-secret-of-this-client' },
        idle: { ...provider, idleExpirySeconds: 90 * 86_400 },
      },
      encryption: { keyring: freshKeyring() },
      // A fraction, and more than one secret: no statement may get a fraction of a millisecond.
      refresh: { ahead: false, timeoutSeconds: 24.9 },
      cleanup: false,
      revocation: false,
      rotation: false,
      cache: false,
    };
    one = await startReplica(database, options);
    two = await startReplica(database, options);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await one.close();
    await two.close();
    await database.drop();
    await server.stop();
  });

  const login = async (user: string, provider = 'acme'): Promise<TokenRef> => {
    const ref = { userId: user, provider };
    await one.tokens.storeTokens(ref, await server.mint(user));
    return ref;
  };
  const logins = (count: number, provider?: string): Promise<TokenRef[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => login(`user-${index}`, provider)));
  const refresh = (ref: TokenRef, replica = one): Promise<string> =>
    replica.tokens.refreshTokens(ref).then(({ value }) => value);
  const failed = async (ref: TokenRef, replica = one): Promise<ProviderUnavailableError> => {
    const error: unknown = await refresh(ref, replica).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProviderUnavailableError);
    return error as ProviderUnavailableError;
  };
  const down = (times = 10_000): void => server.faults.fail(500, {}, '', times);
  const eventsOf = (type: string) => [...one.events, ...two.events].filter((event) => event.type === type);
  const statuses = async () =>
    (await one.dataSource.getRepository(TokenEntity).find()).map((row) => row.status);
  const open = async (refs: TokenRef[]): Promise<void> => {
    down(THRESHOLD);
    for (const ref of refs.slice(0, THRESHOLD)) await failed(ref);
  };
  /** Most requests that the server has seen within a second, of those from `from` on. */
  const peak = (from = 0): number => {
    const times = seenAt.slice(from);
    return Math.max(
      0,
      ...times.map((at) => times.filter((other) => other >= at && other < at + 1000).length),
    );
  };

  it('for several users is left alone by every replica, which go on serving what is valid', async () => {
    const refs = await logins(THRESHOLD + 2);
    await open(refs);
    expect(eventsOf('circuit_opened')).toEqual([
      { type: 'circuit_opened', provider: 'acme', reason: 'unavailable', retryInSeconds: expect.any(Number) },
    ]);
    const asked = server.oracle.requests.length;
    for (const replica of [one, two]) {
      const error = await failed(refs[THRESHOLD]!, replica);
      expect(error.reason).toBe('circuit_open: unavailable');
      expect(error.retryAfter).toBeGreaterThan(0);
      await expect(replica.tokens.getAccessToken(refs[0]!)).resolves.toBeDefined();
      // Nobody can get one that lives longer.
      await expect(replica.tokens.getAccessToken(refs[1]!, { minTtlSeconds: 86_400 })).resolves.toBeDefined();
    }
    expect(server.oracle.requests).toHaveLength(asked);
    expect(await refresh(await login('ada', 'other'))).toBeDefined();
  });

  it('is asked by one probe of the whole cluster, and by everybody once that was answered', async () => {
    const refs = await logins(THRESHOLD + 4);
    await open(refs);
    const later = refs.slice(THRESHOLD, -1);
    const everybody = () =>
      Promise.allSettled(later.flatMap((ref) => [refresh(ref, one), refresh(ref, two)]));
    let asked = server.oracle.requests.length;
    down();
    await ageTokens(one.dataSource, LONG_SECONDS);
    await expect.poll(async () => (await everybody(), server.oracle.requests.length)).toBe(asked + 1);
    server.faults.clear();
    asked++;
    const release = server.faults.holdReply();
    await ageTokens(one.dataSource, LONG_SECONDS);
    const first: Promise<unknown>[] = [];
    await expect
      .poll(() => {
        first.push(everybody());
        return server.oracle.requests.length;
      })
      .toBe(asked + 1);
    const told = async () => (await failed(refs.at(-1)!, two)).retryAfter;
    await expect.poll(told).toBeLessThanOrEqual(2);
    release();
    await Promise.all(first);
    expect(eventsOf('circuit_closed')).toEqual([{ type: 'circuit_closed', provider: 'acme' }]);
    await ageTokens(one.dataSource, LONG_SECONDS);
    for (const ref of refs)
      for (const replica of [one, two])
        await expect.poll(() => replica.tokens.getAccessToken(ref).then(() => 'valid')).toBe('valid');
    expect(server.oracle.reuses).toBe(0);
    expect(server.oracle.revokedGrants).toEqual([]);
  });

  it('for one user only goes on serving the others', async () => {
    const [poisoned, ...others] = await logins(4);
    for (let attempt = 0; attempt < 2 * THRESHOLD; attempt++) {
      down(1);
      await failed(poisoned!);
      await ageTokens(one.dataSource, LONG_SECONDS);
      await refresh(others[attempt % 3]!, two);
    }
    expect(eventsOf('circuit_opened')).toEqual([]);
  });

  it('and asks to be left alone is left alone at once, for as long as it says', async () => {
    const [first, second] = await logins(2);
    server.faults.throttle(429, 600);
    expect((await failed(first!)).retryAfter).toBe(600);
    expect((await failed(second!, two)).retryAfter).toBeGreaterThan(590);
    await ageTokens(one.dataSource, 500);
    await failed(second!, two);
    expect(server.oracle.requests).toHaveLength(1);
    await ageTokens(one.dataSource, 101);
    await expect.poll(() => refresh(second!, two)).toBeDefined();
    await expect.poll(() => refresh(first!)).toBeDefined();
  });

  it('because of a wrong client secret ends no session, however long it takes', async () => {
    const refs = await logins(8, 'wrong');
    for (let minute = 0; minute < 60; minute++) {
      await Promise.allSettled(refs.flatMap((ref) => [refresh(ref), refresh(ref, two)]));
      await ageTokens(one.dataSource, 60);
    }
    expect(eventsOf('circuit_opened')).toHaveLength(1);
    expect(new Set(await statuses())).toEqual(new Set(['active']));
    expect(server.oracle.requests.every(({ outcome }) => outcome === 'invalid_client')).toBe(true);
    // A few before it opens, and one probe a minute.
    expect(server.oracle.requests.length).toBeLessThan(100);
  });

  it('whose probe dies is asked again when the probe counts as dead', async () => {
    const refs = await logins(THRESHOLD + 1);
    await open(refs);
    await ageTokens(one.dataSource, LONG_SECONDS);
    const until = Date.now() + 600_000;
    await one.dataSource.query(
      `UPDATE tokenward_providers SET probe_id = 'dead', probe_after = ${until} WHERE name = 'acme'`,
    );
    await failed(refs[THRESHOLD]!, two);
    expect(server.oracle.requests).toHaveLength(THRESHOLD);
    await ageTokens(one.dataSource, LONG_SECONDS);
    await expect.poll(() => refresh(refs[THRESHOLD]!, two)).toBeDefined();
  });

  it('is not asked ahead of expiry but by a single probe, and then for all that is due', async () => {
    const refs = await logins(THRESHOLD + 4);
    await open(refs);
    await ageTokens(one.dataSource, 290);
    await one.dataSource.query(`UPDATE tokenward_providers SET probe_after = ${Date.now() + 600_000}`);
    const asked = server.oracle.requests.length;
    expect(await one.maintenance.refreshAhead()).toBe(0);
    expect(server.oracle.requests).toHaveLength(asked);
    await ageTokens(one.dataSource, LONG_SECONDS);
    await expect.poll(() => one.maintenance.refreshAhead()).toBeGreaterThan(0);
    await ageTokens(one.dataSource, 60);
    await expect
      .poll(async () => (await two.maintenance.refreshAhead(), server.oracle.exchanges))
      .toBeGreaterThanOrEqual(refs.length);
    expect(server.oracle.reuses).toBe(0);
    expect(eventsOf('circuit_closed')).toHaveLength(1);
  });

  it('or works gets no more refreshes in a second than its rate allows, and the rest later', async () => {
    const refs = await logins(3 * RATE, 'rationed');
    const insist = async (ref: TokenRef, replica: Replica) =>
      await expect.poll(() => refresh(ref, replica), { timeout: 90_000, interval: 100 }).toBeDefined();
    await Promise.all(refs.map((ref, index) => insist(ref, index % 2 ? one : two)));
    expect(server.oracle.exchanges).toBeGreaterThanOrEqual(refs.length);
    expect(peak()).toBeLessThanOrEqual(2 * RATE);
    expect(eventsOf('refresh_refused').length).toBeGreaterThan(0);
  });

  it('and is rationed tells a call at once when to come again, and waits ahead of expiry', async () => {
    const [first, second] = await logins(2, 'slow');
    await refresh(first!);
    const error = await failed(second!, two);
    expect(error).toMatchObject({ reason: 'rate_limited' });
    expect(error.retryAfter).toBeGreaterThan(50);
    const refs = await logins(2 * RATE, 'rationed');
    await ageTokens(one.dataSource, 290);
    const refreshed = await Promise.all([one.maintenance.refreshAhead(), two.maintenance.refreshAhead()]);
    expect(refreshed[0] + refreshed[1]).toBeGreaterThanOrEqual(refs.length);
    expect(peak()).toBeLessThanOrEqual(2 * RATE);
    expect(server.oracle.reuses).toBe(0);
  });

  it('to extend a refresh token that nobody uses is asked to in time, also where it was stored before', async () => {
    const forEver = { expires_in: undefined };
    const idle: TokenRef = { userId: 'ada', provider: 'idle' };
    await one.tokens.storeTokens(idle, { ...(await server.mint('ada')), ...forEver });
    const rows = one.dataSource.getRepository(TokenEntity);
    const { refreshAfter, refreshedAt } = await rows.findOneByOrFail({ provider: 'idle' });
    const days = (refreshAfter! - refreshedAt) / 86_400_000;
    expect(days).toBeGreaterThanOrEqual(63);
    expect(days).toBeLessThanOrEqual(72.1);
    const before: TokenRef = { userId: 'cleo', provider: 'idle' };
    await one.tokens.storeTokens(before, { ...(await server.mint('cleo')), ...forEver });
    await rows.update({ userId: 'cleo' }, { refreshAfter: null });
    const unlimited: TokenRef = { userId: 'dora', provider: 'acme' };
    await one.tokens.storeTokens(unlimited, { ...(await server.mint('dora')), ...forEver });
    expect(await one.maintenance.refreshAhead()).toBe(0);
    const kept = (await rows.findOneByOrFail({ userId: 'cleo' })).refreshAfter!;
    expect(kept).toBeGreaterThan(Date.now() + 60 * 86_400_000);
    await ageTokens(one.dataSource, 73 * 86_400);
    expect(await two.maintenance.refreshAhead()).toBe(2);
    expect((await one.tokens.listTokens(unlimited))[0]!.generation).toBe(1);
  });

  // SQLite has no writers side by side.
  it.each(kind === 'sqlite' ? [] : ['idle'])(
    'to extend a refresh token that nobody uses keeps no log-in at another provider waiting, nor waits for it (%s)',
    async (name) => {
      await login('ada', name);
      await login('bela');
      const rows = one.dataSource.getRepository(TokenEntity);
      const { id } = await rows.findOneByOrFail({ userId: 'bela' });
      await one.dataSource.query("UPDATE tokenward_tokens SET refresh_after = NULL WHERE user_id = 'ada'");
      const runner = one.dataSource.createQueryRunner();
      await runner.startTransaction();
      await runner.query(`UPDATE tokenward_tokens SET failures = 0 WHERE id = '${id}'`);
      await one.maintenance.refreshAhead();
      await runner.rollbackTransaction();
      await runner.release();
      const { refreshAfter } = await rows.findOneByOrFail({ userId: 'ada' });
      expect(refreshAfter).toBeGreaterThan(Date.now() + 60 * 86_400_000);
    },
  );

  // SQLite serves one process.
  it.each(kind === 'sqlite' ? [] : [3])(
    'while all tokens expire gets a few probes from %i processes, and none is lost when it is back',
    async (processes) => {
      const acme: ProviderOptions = { ...server.provider, refreshesPerSecond: RATE };
      const refs = await logins(3 * RATE);
      await ageTokens(one.dataSource, 400);
      const orders: ImpatientOrders = {
        database: database.options,
        options: { ...options, providers: { acme } },
        refs,
      };
      server.faults.throttle(503, 1, 100_000);
      children.push(...(await Promise.all(Array.from({ length: processes }, () => startProcess(orders)))));
      const results = children.map(async (child) => (await once(child, 'message'))[0] as Answers);
      for (const child of children) child.send('go');
      // The bucket lets some through before everybody knows.
      const failedProbes = async () => {
        const rows = (await one.dataSource.query('SELECT failed_probes FROM tokenward_providers')) as {
          failed_probes: number;
        }[];
        return rows[0]?.failed_probes ?? 0;
      };
      await expect.poll(failedProbes, { timeout: 60_000 }).toBeGreaterThanOrEqual(2);
      expect(peak(seenAt.length - 2)).toBe(1);
      server.faults.clear();
      for (const { got, refused } of await Promise.all(results)) {
        expect(got.filter((value) => !server.oracle.issued.has(value))).toEqual([]);
        expect(refused).toBeGreaterThan(0);
      }
      expect(peak()).toBeLessThanOrEqual(2 * RATE);
      expect(server.oracle.exchanges).toBe(refs.length);
      expect(server.oracle.reuses).toBe(0);
      expect(server.oracle.revokedGrants).toEqual([]);
    },
    120_000,
  );
});

interface Answers {
  got: string[];
  refused: number;
}

async function startProcess(orders: ImpatientOrders): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('../support/impatient.process.ts', import.meta.url)), {
    execArgv: ['--conditions=@tokenward/source', '--import', '@oxc-node/core/register'],
  });
  child.send(orders);
  expect((await once(child, 'message'))[0]).toBe('ready');
  return child;
}
