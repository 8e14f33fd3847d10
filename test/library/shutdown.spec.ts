import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TokenModuleOptions, TokenRef } from '@tokenward/nestjs';
import { type AuthorizationServer, startAuthorizationServer } from '@tokenward/nestjs/testing';
import type { DataSourceOptions } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { freshKeyring, type Replica, startReplica } from '../support/app.js';
import { DatabaseGate } from '../support/database-gate.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { Refresher } from '../support/refresher.js';

let users = 0;

describeOnEachDatabase(
  'A process that ends',
  ({ createDatabase }) => {
    let server: AuthorizationServer;
    let database: TestDatabase;
    let gate: DatabaseGate;
    let witness: Replica;
    let spoolDirectory: string;
    let options: TokenModuleOptions;
    const started: Refresher[] = [];

    beforeAll(async () => {
      server = await startAuthorizationServer({ mode: 'strict' });
      database = await createDatabase();
      const { host, port } = database.options as { host: string; port: number };
      gate = await DatabaseGate.before({ host, port });
      options = {
        providers: { acme: server.provider },
        encryption: { keyring: freshKeyring() },
        refresh: { ahead: false },
        cleanup: false,
        revocation: false,
        rotation: false,
        cache: false,
      };
      witness = await startReplica(database, options);
    });
    beforeEach(async () => {
      spoolDirectory = await mkdtemp(join(tmpdir(), 'tokenward-spool-'));
    });
    afterEach(async () => {
      gate.mend();
      for (const refresher of started.splice(0)) await refresher.end('SIGKILL');
      await rm(spoolDirectory, { recursive: true });
    });
    afterAll(async () => {
      await witness.close();
      await gate.close();
      await database.drop();
      await server.stop();
    });

    const start = async (shutdownSeconds = 60): Promise<Refresher> => {
      const refresher = await Refresher.start({
        database: { ...database.options, port: gate.port } as DataSourceOptions,
        options: { ...options, refresh: { ahead: false, spoolDirectory, shutdownSeconds } },
      });
      started.push(refresher);
      return refresher;
    };
    const login = async (): Promise<TokenRef> => {
      const ref = { userId: `user-${++users}`, provider: 'acme' };
      await witness.tokens.storeTokens(ref, { ...(await server.mint(ref.userId)) });
      return ref;
    };
    /** The provider has done its work, and its reply waits for `release`. */
    const atTheProvider = async (refresher: Refresher, ref: TokenRef) => {
      const { exchanges } = server.oracle;
      const release = server.faults.holdReply();
      const outcome = refresher.refresh(ref);
      await expect.poll(() => server.oracle.exchanges).toBe(exchanges + 1);
      return { release, outcome };
    };
    const assertKept = async (...refs: TokenRef[]): Promise<void> => {
      const alive = server.oracle.aliveRefreshTokens();
      for (const ref of refs) {
        const stored = await witness.tokens.getTokens(ref);
        expect(alive).toContain(stored?.refreshToken?.value);
        expect(await witness.tokens.listTokens(ref)).toMatchObject([{ status: 'active', generation: 2 }]);
      }
      expect(server.oracle.reuses).toBe(0);
      expect(await readdir(spoolDirectory)).toEqual([]);
    };

    it.each(['SIGTERM', 'SIGKILL'] as const)(
      'by %s while the database is away has the answer in its spool, and the next start stores it',
      async (signal) => {
        const ref = await login();
        const refresher = await start(1);
        const { release } = await atTheProvider(refresher, ref);
        gate.cut();
        release();
        await expect.poll(() => refresher.spooled).toEqual(['written']);
        expect(await refresher.end(signal)).toBe(signal);
        expect(await readdir(spoolDirectory)).toHaveLength(1);
        expect(await witness.tokens.listTokens(ref)).toMatchObject([{ generation: 1 }]);
        gate.mend();
        const next = await start();
        await assertKept(ref);
        expect(await next.refresh(ref)).toBe('refreshed');
      },
    );

    it('while the database does not say a word has the answer in its spool, too', async () => {
      const ref = await login();
      const refresher = await start(1);
      const { release } = await atTheProvider(refresher, ref);
      gate.silence();
      release();
      await expect.poll(() => refresher.spooled, { timeout: 90_000 }).toEqual(['written']);
      await refresher.end('SIGKILL');
      gate.mend();
      await start();
      await assertKept(ref);
    });

    it('by SIGTERM in an outage stores its answers itself if the database comes back in time', async () => {
      const ref = await login();
      const refresher = await start();
      const { release, outcome } = await atTheProvider(refresher, ref);
      gate.cut();
      release();
      await expect.poll(() => refresher.spooled).toEqual(['written']);
      const ended = refresher.end('SIGTERM');
      gate.mend();
      expect(await outcome).toBe('refreshed');
      expect(await ended).toBe('SIGTERM');
      expect(refresher.spooled).toEqual(['written', 'stored']);
      await assertKept(ref);
    });

    it('by SIGTERM with a hundred refreshes in flight loses none of them', async () => {
      const refs = await Promise.all(Array.from({ length: 100 }, login));
      const refresher = await start();
      const { exchanges } = server.oracle;
      const releases = refs.map(() => server.faults.holdReply());
      const outcomes = refs.map((ref) => refresher.refresh(ref));
      await expect.poll(() => server.oracle.exchanges, { timeout: 90_000 }).toBe(exchanges + refs.length);
      const ended = refresher.end('SIGTERM');
      for (const release of releases) release();
      expect(await ended).toBe('SIGTERM');
      expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['refreshed']));
      // A disk that is busy may keep files of answers that were stored after all: the next process takes them out.
      await start();
      await assertKept(...refs);
    });

    it('by SIGTERM does not wait for a provider that never answers', async () => {
      const ref = await login();
      const refresher = await start(1);
      server.faults.hang();
      const { requests } = server.oracle;
      const { length } = requests;
      void refresher.refresh(ref);
      await expect.poll(() => requests.length).toBe(length + 1);
      expect(await refresher.end('SIGTERM')).toBe('SIGTERM');
      expect(await readdir(spoolDirectory)).toEqual([]);
    });
  },
  ['postgres', 'mariadb'],
);
