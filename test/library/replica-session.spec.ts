import { KeyWrapper, TokenNotFoundError, type TokenRef } from '@tokenward/nestjs';
import { DatabaseFaults } from '@tokenward/nestjs/testing';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  freshKeyring,
  PROVIDER,
  providerOptions,
  type Replica,
  startReplica,
  tokenOptions,
} from '../support/app.js';
import {
  createDatabase as databaseOf,
  describeOnEachDatabase,
  type TestDatabase,
} from '../support/database.js';
import { requirement } from '../support/optional.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { type Bundle, bundleProcess } from '../support/rotation/bundle.js';
import { Member } from '../support/rotation/member.js';
import { startPgbouncer } from '../support/servers/pgbouncer.js';
import type { DatabaseServer, ServerAddress } from '../support/servers/server.js';
import { startServer } from '../support/servers/start.js';
import { startTcpRelay } from '../support/servers/tcp-relay.js';

const LOOK = /pg_try_advisory_xact_lock_shared|IS_FREE_LOCK/;
const SOON = { timeout: 90_000 };

interface PgClient {
  connection: { stream: { destroy(): void } };
}

/** The connections that hold locks of replicas, in order. */
async function sessionsOf({ dataSource }: Replica): Promise<number[]> {
  const found: { id: number | null }[] = await dataSource.query(
    dataSource.options.type === 'postgres'
      ? `SELECT pid AS id FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
      : "SELECT IS_USED_LOCK(CONCAT('tokenward ', id)) AS id FROM tokenward_replicas",
  );
  return found
    .map(({ id }) => Number(id))
    .filter((id) => id !== 0)
    .toSorted((one, other) => one - other);
}

/** Resolves when this replica has looked so often whether a claimant lives. */
async function looks(replica: Replica, times: number): Promise<void> {
  const faults = new DatabaseFaults(replica.dataSource);
  for (let count = 0; count < times; count++) {
    const { reached, release } = faults.hold(LOOK);
    await reached;
    release();
  }
}

/** As an administrator does it. */
async function endSessions(replica: Replica): Promise<void> {
  const { dataSource } = replica;
  for (const id of await sessionsOf(replica))
    await dataSource.query(
      dataSource.options.type === 'postgres' ? `SELECT pg_terminate_backend(${id})` : `KILL ${id}`,
    );
}

/** A key service whose connection cannot be ended. */
class Clinging extends KeyWrapper {
  kekId = 'clinging';
  override wrap = async (dataKey: Buffer): Promise<Buffer> => Buffer.from(dataKey);
  override unwrap = async (blob: Buffer): Promise<Buffer> => Buffer.from(blob);
  override close = async (): Promise<void> => Promise.reject(new Error('the connection cannot be ended'));
}

describeOnEachDatabase(
  'A replica with a session',
  ({ createDatabase }) => {
    let bundle: Bundle;
    let provider: TestProvider;
    let database: TestDatabase;
    let options: ReturnType<typeof tokenOptions>;
    let one: Replica;
    let users = 0;

    beforeAll(async () => {
      bundle = await bundleProcess('replica.process');
      provider = await startProvider();
      database = await createDatabase();
      const acme = providerOptions(provider);
      options = tokenOptions(provider, {
        encryption: { keyring: freshKeyring() },
        providers: { [PROVIDER]: acme, strict: { ...acme, reuseGraceSeconds: 0 } },
        cache: {},
      });
      one = await startReplica(database, options);
    });
    afterAll(async () => {
      await one.close();
      await database.drop();
      await provider.stop();
      await bundle.remove();
    });

    const login = async (name = PROVIDER): Promise<TokenRef> => {
      const ref = { userId: `user-${++users}`, provider: name };
      await one.tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
      return ref;
    };
    const claimOf = async ({ userId }: TokenRef): Promise<Record<string, string | null>> =>
      (
        await one.dataSource.query(
          `SELECT claim_id, claim_replica FROM tokenward_tokens WHERE user_id = '${userId}'`,
        )
      )[0];
    const livenessOf = ({ events }: Replica) =>
      events.flatMap((event) => (event.type === 'session_changed' ? [event.liveness] : []));
    const other = (): Promise<Member> =>
      new Member(bundle.file).begin({ database: database.options, options }, () => undefined);
    /** As if its last sign of life in the row were a minute old. */
    const age = ({ userId }: TokenRef) =>
      one.dataSource.query(
        `UPDATE tokenward_tokens SET claimed_at = claimed_at - 60000 WHERE user_id = '${userId}'`,
      );

    it('frees its lock at shutdown although its key service cannot be left', async () => {
      const empty = await createDatabase();
      const encryption = { wrapper: new Clinging() };
      const first = await startReplica(empty, { ...options, encryption });
      const [session] = await sessionsOf(first);
      expect(session).toBeGreaterThan(0);
      // Nest reports a hook that fails, and goes on.
      await first.close();
      const witness = await new DataSource(empty.options).initialize();
      const held = `SELECT count(*) AS n FROM ${empty.options.type === 'postgres' ? 'pg_stat_activity WHERE pid' : 'information_schema.PROCESSLIST WHERE id'} = ${session}`;
      await expect.poll(async () => Number((await witness.query(held))[0].n), SOON).toBe(0);
      await witness.destroy();
      await empty.drop();
    });

    it('that is stopped for longer than any lease is waited for, and nothing is presented twice', async () => {
      const ref = await login('strict');
      const { exchanges, reuses } = provider.oracle;
      const claimant = await other();
      const reply = provider.faults.holdReply();
      const stopped = claimant.call('refresh', ref);
      await expect.poll(() => provider.oracle.exchanges, SOON).toBe(exchanges + 1);
      expect((await claimOf(ref))['claim_replica']).toMatch(/^[0-9a-f]{8} [0-9a-f-]{36}@\S+$/);
      const sessions = await sessionsOf(one);
      claimant.stop();
      await age(ref);
      // Longer than a server may be silent: the one that was stopped must not take its own silence for the server's.
      const waited = looks(one, 60);
      const waiting = one.tokens.refreshTokens(ref);
      await waited;
      claimant.resume();
      reply();
      expect((await waiting).value).toBe(await stopped);
      expect(provider.oracle).toMatchObject({ exchanges: exchanges + 1, reuses });
      expect(await claimant.call('read', ref)).toBe(await stopped);
      expect(await sessionsOf(one)).toEqual(sessions);
      await claimant.leave();
    });

    it('that is killed in the middle of a refresh is taken over', async () => {
      const ref = await login();
      const claimant = await other();
      provider.faults.hang();
      claimant.call('refresh', ref).catch(() => undefined);
      await expect.poll(async () => (await claimOf(ref))['claim_id'], SOON).not.toBeNull();
      await expect.poll(() => provider.oracle.requests.at(-1)?.outcome, SOON).toMatch(/hang/);
      await claimant.kill();
      await expect(one.tokens.refreshTokens(ref)).resolves.toBeDefined();
      expect(provider.oracle.reuses).toBe(0);
    });

    it('whose connection the database ends has a new one at once, and its refresh is still its own', async () => {
      const ref = await login('strict');
      const { exchanges } = provider.oracle;
      const two = await startReplica(database, options);
      const reply = provider.faults.holdReply();
      const refreshing = one.tokens.refreshTokens(ref);
      await expect.poll(() => provider.oracle.exchanges, SOON).toBe(exchanges + 1);
      await endSessions(one);
      await expect.poll(() => livenessOf(one), SOON).toEqual(['session', 'lease', 'session']);
      await age(ref);
      const waited = looks(two, 3);
      const waiting = two.tokens.refreshTokens(ref);
      await waited;
      reply();
      expect((await waiting).value).toBe((await refreshing).value);
      expect(provider.oracle.exchanges).toBe(exchanges + 1);
      await two.close();
    });

    it('whose connection leads nowhere has a new one soon', async () => {
      const relay = await startTcpRelay(database.options as unknown as ServerAddress);
      const { host, port } = relay.address;
      const behind = { ...database, options: { ...database.options, host, port } as TestDatabase['options'] };
      const two = await startReplica(behind, options);
      const sessions = await sessionsOf(one);
      relay.freeze();
      await expect.poll(() => livenessOf(two), SOON).toEqual(['session', 'lease', 'session']);
      // The old connection, which still had the lock, was ended for it.
      await expect.poll(async () => (await sessionsOf(one)).length, SOON).toBe(sessions.length);
      expect(await sessionsOf(one)).not.toEqual(sessions);
      relay.cut();
      await two.close();
      await relay.stop();
    });

    it('hears of a log-out in another process', async () => {
      const ref = await login();
      const two = await other();
      const { value } = await one.tokens.getAccessToken(ref);
      expect(await two.call('read', ref)).toBe(value);
      await two.call('revoke', ref);
      await expect
        .poll(() => one.tokens.getAccessToken(ref).catch((error: Error) => error), SOON)
        .toBeInstanceOf(TokenNotFoundError);
      await two.leave();
    });
  },
  ['postgres', 'mariadb'],
);

describe('On PostgreSQL', () => {
  const encryption = { keyring: freshKeyring() };
  let provider: TestProvider;
  let database: TestDatabase;

  beforeAll(async () => {
    provider = await startProvider();
    database = await databaseOf('postgres');
  });
  afterAll(async () => {
    await database.drop();
    await provider.stop();
  });

  it('a token stays in memory while changes are heard of, ends with a change, and with the connection', async () => {
    const options = tokenOptions(provider, { encryption, cache: {} });
    const one = await startReplica(database, options);
    const two = await startReplica(database, options);
    const ref = { userId: 'ada', provider: PROVIDER };
    await one.tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
    const sourceOf = async (replica: Replica): Promise<string | undefined> => {
      await replica.tokens.getAccessToken(ref);
      return replica.events.flatMap((event) => (event.type === 'token_read' ? [event.source] : [])).at(-1);
    };
    expect(await sourceOf(two)).toBe('database');
    const read = performance.now();
    // Longer than without news.
    await expect.poll(() => performance.now() - read, SOON).toBeGreaterThan(1_500);
    expect(await sourceOf(two)).toBe('cache');
    await one.tokens.refreshTokens(ref);
    await expect.poll(() => sourceOf(two)).toBe('database');
    expect(await sourceOf(two)).toBe('cache');
    await endSessions(one);
    await expect.poll(() => sourceOf(two)).toBe('database');
    await one.close();
    await two.close();
  });

  it('a crash of the server frees no claim of a process that lives, though it is stopped meanwhile', async () => {
    const bundle = await bundleProcess('replica.process');
    // One that has lost nothing which was committed.
    const server = await startServer('postgres', { durable: true });
    const own = { options: { type: 'postgres', ...server.address, database: 'postgres' } as const };
    const acme = { ...providerOptions(provider), reuseGraceSeconds: 0 };
    const options = tokenOptions(provider, { providers: { [PROVIDER]: acme } });
    const one = await startReplica({ ...own, drop: async () => undefined }, options);
    const ref = { userId: 'ada', provider: PROVIDER };
    await one.tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
    const claimant = await new Member(bundle.file).begin({ database: own.options, options }, () => undefined);
    const { exchanges } = provider.oracle;
    const reply = provider.faults.holdReply();
    const stopped = claimant.call('refresh', ref);
    await expect.poll(() => provider.oracle.exchanges, SOON).toBe(exchanges + 1);
    claimant.stop();
    // The server ends all its connections when one of its processes dies.
    const [{ pid }] = await one.dataSource.query('SELECT pg_backend_pid() AS pid');
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => sessionsOf(one).catch(() => []), { timeout: 90_000 }).toHaveLength(1);
    const waited = looks(one, 5);
    const waiting = one.tokens.refreshTokens(ref);
    await Promise.race([waited, waiting]);
    claimant.resume();
    reply();
    expect((await waiting).value).toBe(await stopped);
    expect(provider.oracle.exchanges).toBe(exchanges + 1);
    await claimant.leave();
    await one.close();
    await server.stop();
    await bundle.remove();
  });

  describe.skipIf(!requirement('pgbouncer').available)('behind a pooler in transaction mode', () => {
    let pooler: DatabaseServer;
    let pooled: TestDatabase;

    beforeAll(async () => {
      pooler = await startPgbouncer(database.options as unknown as ServerAddress);
      const { host, port } = pooler.address;
      pooled = { ...database, options: { ...database.options, host, port } as TestDatabase['options'] };
    });
    afterAll(() => pooler.stop());

    it('claims are leases, and no lock is left behind', async () => {
      const one = await startReplica(pooled, tokenOptions(provider, { encryption }));
      expect(one.events).toContainEqual({
        type: 'session_changed',
        liveness: 'lease',
        reason: 'notifications do not arrive, as behind a pooler in transaction mode',
      });
      const ref = { userId: 'grace', provider: PROVIDER };
      await one.tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
      const reply = provider.faults.holdReply();
      const refreshing = one.tokens.refreshTokens(ref);
      const claimed = () =>
        one.dataSource.query(
          "SELECT claim_replica FROM tokenward_tokens WHERE user_id = 'grace' AND claim_id IS NOT NULL",
        );
      await expect.poll(claimed).toEqual([{ claim_replica: null }]);
      reply();
      await expect(refreshing).resolves.toBeDefined();
      expect(await sessionsOf(one)).toEqual([]);
      await one.close();
    });

    it('a replica that is to have a session does not start, and says what to do', async () => {
      const options = tokenOptions(provider, {
        encryption,
        refresh: { ahead: false, liveness: 'session' },
      });
      await expect(startReplica(pooled, options)).rejects.toThrow(
        /notifications do not arrive.*direct.*"auto"/,
      );
    });
  });
});

it('A claim that PostgreSQL carries out after it was given up here is given back', async () => {
  const provider = await startProvider();
  const database = await databaseOf('postgres');
  const options = tokenOptions(provider, { encryption: { keyring: freshKeyring() } });
  const one = await startReplica(database, options);
  const two = await startReplica(database, options);
  const ref = { userId: 'ada', provider: PROVIDER };
  await one.tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
  const blocker = one.dataSource.createQueryRunner();
  await blocker.startTransaction();
  await blocker.query("SELECT 1 FROM tokenward_tokens WHERE user_id = 'ada' FOR UPDATE");
  const refreshing = two.tokens.refreshTokens(ref).then(
    () => 'refreshed',
    (error: Error) => error.message,
  );
  const waiting =
    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%SET claim_id%'";
  await expect.poll(async () => (await one.dataSource.query(waiting)).length, SOON).toBe(1);
  // The network is gone, which the server does not notice before it has an answer to send.
  const { master } = two.dataSource.driver as unknown as { master: Record<string, PgClient[]> };
  for (const { connection } of master['_clients']!) connection.stream.destroy();
  expect(await refreshing).toMatch(/terminated|ECONNRESET/);
  await blocker.commitTransaction();
  await blocker.release();
  await expect(one.tokens.refreshTokens(ref)).resolves.toBeDefined();
  await two.close();
  await one.close();
  await database.drop();
  await provider.stop();
});
