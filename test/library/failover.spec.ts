import type { TokenModuleOptions, TokenRef } from '@tokenward/nestjs';
import { type AuthorizationServer, startAuthorizationServer } from '@tokenward/nestjs/testing';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshKeyring, startReplica } from '../support/app.js';
import { describeOnEachDatabase } from '../support/database.js';
import type { CrashingServer, ServerAddress } from '../support/servers/server.js';
import { startServer, startStandby } from '../support/servers/start.js';
import { startTcpRelay, type TcpRelay } from '../support/servers/tcp-relay.js';

const ada: TokenRef = { userId: 'ada', provider: 'acme' };
const SOON = { timeout: 90_000 };

/** Two servers, of which the second one follows the first one without being waited for. */
interface Pair {
  primary: CrashingServer;
  standby: CrashingServer;
  /** From now on it follows no more. */
  fallBehind(): Promise<void>;
  promote(): Promise<void>;
}

type Kind = 'postgres' | 'mariadb';

const at = (type: Kind, address: ServerAddress, database?: string) =>
  ({ type, ...address, ...(database && { database }) }) as DataSourceOptions;

async function query(options: DataSourceOptions, ...statements: string[]): Promise<unknown[]> {
  const source = await new DataSource(options).initialize();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) rows = await source.query(statement);
    return rows;
  } finally {
    await source.destroy();
  }
}

async function postgresPair(): Promise<Pair> {
  const primary = await startServer('postgres', { durable: true });
  await query(at('postgres', primary.address, 'postgres'), 'CREATE DATABASE app');
  const standby = await startStandby(primary.address);
  return {
    primary,
    standby,
    fallBehind: () => standby.crash(),
    async promote() {
      await standby.restart();
      await query(at('postgres', standby.address, 'postgres'), 'SELECT pg_promote()');
    },
  };
}

async function mariadbPair(): Promise<Pair> {
  const primary = await startServer('mariadb', { durable: true, serverId: 1 });
  const standby = await startServer('mariadb', { durable: true, serverId: 2 });
  const { host, port, username, password } = primary.address;
  const follower = at('mariadb', standby.address);
  await query(
    follower,
    `CHANGE MASTER TO MASTER_HOST = '${host}', MASTER_PORT = ${port}, MASTER_USER = '${username}',
      MASTER_PASSWORD = '${password}', MASTER_USE_GTID = slave_pos`,
    'START SLAVE',
  );
  await query(at('mariadb', primary.address), 'CREATE DATABASE app');
  return {
    primary,
    standby,
    fallBehind: async () => void (await query(follower, 'STOP SLAVE')),
    promote: async () => void (await query(follower, 'RESET SLAVE ALL')),
  };
}

describeOnEachDatabase(
  'A failover',
  ({ kind }) => {
    const type = kind as Kind;
    let server: AuthorizationServer;
    let pair: Pair;
    let relay: TcpRelay;
    beforeAll(async () => {
      server = await startAuthorizationServer({ mode: 'strict' });
      pair = await (type === 'postgres' ? postgresPair() : mariadbPair());
      relay = await startTcpRelay(pair.primary.address);
    });
    afterAll(async () => {
      await relay.stop();
      await pair.standby.stop();
      await pair.primary.stop();
      await server.stop();
    });

    it('to a standby that lags behind is noticed while replicas run: nothing that it has lost is presented', async () => {
      const options: TokenModuleOptions = {
        providers: { acme: server.provider },
        encryption: { keyring: freshKeyring() },
        refresh: { ahead: false },
        cleanup: false,
        revocation: false,
        rotation: false,
        cache: false,
      };
      const database = { options: at(type, relay.address, 'app'), drop: async () => undefined };
      const replica = await startReplica(database, options);
      const login = async () => replica.tokens.storeTokens(ada, { ...(await server.mint('ada')) });
      await login();
      const followed = (): Promise<unknown[]> =>
        query(
          at(type, pair.standby.address, 'app'),
          "SELECT 1 FROM tokenward_tokens WHERE user_id = 'ada'",
        ).catch(() => []);
      await expect.poll(followed, SOON).toHaveLength(1);
      await pair.fallBehind();
      await replica.tokens.refreshTokens(ada);

      await pair.primary.crash();
      await pair.promote();
      relay.redirect(pair.standby.address);

      const reason = (): Promise<unknown> =>
        replica.tokens.refreshTokens(ada).then(
          () => 'refreshed',
          (error: { reason?: string; message: string }) => error.reason ?? error.message,
        );
      await expect.poll(reason, SOON).toBe('held_after_restore');
      expect(replica.events.filter((event) => event.type === 'restore_detected')).toEqual([
        { type: 'restore_detected', afterRestore: 'hold' },
      ]);
      expect(server.oracle).toMatchObject({ exchanges: 1, reuses: 0 });
      await login();
      await expect(replica.tokens.refreshTokens(ada)).resolves.toBeDefined();
      await replica.close();
    });
  },
  ['postgres', 'mariadb'],
);
