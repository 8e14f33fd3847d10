import { SessionModule, type SessionModuleOptions, SessionService } from '@tokenward/nestjs/session';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PROVIDER, type Replica, startReplica, tokenOptions } from '../../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../../support/database.js';
import { startProvider, type TestProvider } from '../../support/provider.js';
import { SessionBrowser } from '../../support/session-browser.js';

describeOnEachDatabase('A session', ({ createDatabase }) => {
  let provider: TestProvider;
  let database: TestDatabase;
  let replica: Replica;
  let sessions: SessionService;

  const start = async (options: SessionModuleOptions = {}): Promise<void> => {
    replica = await startReplica(database, tokenOptions(provider), {
      imports: [SessionModule.forRoot(options)],
    });
    sessions = replica.module.get(SessionService);
  };
  beforeEach(async () => {
    [provider, database] = await Promise.all([startProvider(), createDatabase()]);
    await start();
  });
  afterEach(async () => {
    await replica.close();
    await database.drop();
    await provider.stop();
  });

  const browser = (): SessionBrowser => new SessionBrowser(sessions);

  it('is found by its cookie, with all that the log-in knew', async () => {
    const mine = browser();
    const login = { provider: PROVIDER, account: 'work', subject: 'ada@id', sid: 'sid-1' };
    const started = await mine.logIn({
      userId: 'ada',
      tenantId: 'acme',
      login,
      attributes: { name: 'Ada' },
      userAgent: 'Firefox',
    });
    expect(started).toMatchObject({ userId: 'ada', tenantId: 'acme', login, attributes: { name: 'Ada' } });
    expect(await mine.current()).toEqual(started);
    expect(await sessions.list({ userId: 'ada', tenantId: 'acme' })).toEqual([started]);
    expect(started.expiresAt.getTime() - started.createdAt.getTime()).toBe(43_200_000);
  });

  it('ends at the log-out', async () => {
    const mine = browser();
    await mine.logIn({ userId: 'ada' });
    const { request } = mine;
    await mine.logOut();
    expect(mine.cookies.size).toBe(0);
    expect(await sessions.current(request)).toBeNull();
    expect(await sessions.list({ userId: 'ada' })).toEqual([]);
  });

  it('is over when its tokens are revoked, also after a new log-in', async () => {
    const ref = { userId: 'ada', provider: PROVIDER };
    await replica.tokens.storeTokens(ref, await provider.mintTokens({ sub: 'ada' }));
    const mine = browser();
    await mine.logIn({ userId: 'ada', login: { provider: PROVIDER } });
    expect(await mine.current()).not.toBeNull();
    await replica.tokens.revokeTokens(ref);
    expect(await mine.current()).toBeNull();
    await replica.tokens.storeTokens(ref, await provider.mintTokens({ sub: 'ada' }));
    expect(await mine.current()).toBeNull();
  });
});
