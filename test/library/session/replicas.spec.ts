import { join } from 'node:path';
import { SessionModule, SessionService } from '@tokenward/nestjs/session';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica, tokenOptions } from '../../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../../support/database.js';
import { startProvider, type TestProvider } from '../../support/provider.js';
import { type Bundle, bundleProcess } from '../../support/rotation/bundle.js';
import { Member } from '../../support/rotation/member.js';
import { SessionBrowser } from '../../support/session/session-browser.js';
import type {
  SessionMethods,
  SessionOrders,
  Sighting,
} from '../../support/session/session-replica.process.js';

type Process = Member<SessionMethods, SessionOrders, never>;

describeOnEachDatabase(
  'A session on four replicas',
  ({ createDatabase }) => {
    let bundle: Bundle;
    let provider: TestProvider;
    let database: TestDatabase;
    let here: Replica;
    let others: Process[];

    beforeAll(async () => {
      bundle = await bundleProcess(
        'session-replica.process',
        join(import.meta.dirname, '../../support/session'),
      );
      [provider, database] = await Promise.all([startProvider(), createDatabase()]);
      const options = tokenOptions(provider, { encryption: { keyring: freshKeyring() }, cache: {} });
      here = await startReplica(database, options, { imports: [SessionModule.forRoot()] });
      others = await Promise.all(
        [1, 2, 3, 4].map(() =>
          new Member<SessionMethods, SessionOrders, never>(bundle.file).begin(
            { database: database.options, options },
            () => undefined,
          ),
        ),
      );
    });
    afterAll(async () => {
      await Promise.all(others.map((other) => other.leave()));
      await here.close();
      await database.drop();
      await provider.stop();
      await bundle.remove();
    });

    const logIn = async (userId: string) => {
      const ref = { userId, provider: PROVIDER };
      await here.tokens.storeTokens(ref, await provider.mintTokens({ sub: userId }));
      const browser = new SessionBrowser(here.module.get(SessionService));
      const { handle } = await browser.logIn({ userId, login: { provider: PROVIDER } });
      return { ref, handle, cookie: String(browser.request.headers['cookie']) };
    };
    /** All four have it in memory and go on asking; then it ends. */
    const watched = async (cookie: string, end: () => Promise<unknown>): Promise<Sighting[]> => {
      for (const other of others) expect(await other.call('isThere', cookie)).toBe(true);
      const watching = others.map((other) => other.call('watch', cookie));
      await end();
      return Promise.all(watching);
    };

    it('is over on all of them when it ends on one', async () => {
      const { cookie } = await logIn('ada');
      const sightings = await watched(cookie, () => others[0]!.call('endAll', 'ada'));
      expect(sightings.map(({ cameBack }) => cameBack)).toEqual([false, false, false, false]);
    });

    it('is over on all of them when its tokens are revoked on one', async () => {
      const { cookie, ref } = await logIn('bob');
      const sightings = await watched(cookie, () => others[1]!.call('revoke', ref));
      expect(sightings.map(({ cameBack }) => cameBack)).toEqual([false, false, false, false]);
    });

    it('is over on all of them when the refresh token is found dead by one that dies at once', async () => {
      const { cookie, ref } = await logIn('cleo');
      for (const other of others) expect(await other.call('isThere', cookie)).toBe(true);
      provider.faults.fail(400, {}, '{"error":"invalid_grant"}');
      const dead = others.pop()!;
      dead.call('refreshAndDie', ref).catch(() => undefined);
      await dead.died();
      for (const other of others)
        expect(await other.call('watch', cookie)).toMatchObject({ cameBack: false });
    });

    it('tells every one of them that it has ended', async () => {
      const { handle } = await logIn('dora');
      for (const other of others) await other.call('listen');
      await others[0]!.call('endAll', 'dora');
      for (const other of others)
        await expect.poll(() => other.call('heard'), { timeout: 90_000 }).toContain(handle);
    });
  },
  ['postgres', 'mariadb'],
);
