import { ReauthorizationRequiredError, SessionRequiredError } from '@tokenward/nestjs';
import { SessionModule, type SessionModuleOptions, SessionService } from '@tokenward/nestjs/session';
import { ageTokens } from '@tokenward/nestjs/testing';
import { firstValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica, tokenOptions } from '../../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../../support/database.js';
import { startProvider, type TestProvider } from '../../support/provider.js';
import { SessionBrowser } from '../../support/session/session-browser.js';

const LOGIN = { provider: PROVIDER, account: 'work', subject: 'ada@id', sid: 'sid-1' };

describeOnEachDatabase('A session', ({ createDatabase }) => {
  let provider: TestProvider;
  let database: TestDatabase;
  let replica: Replica;
  let sessions: SessionService;
  const encryption = { keyring: freshKeyring() };

  const start = async (options: SessionModuleOptions = {}): Promise<void> => {
    replica = await startReplica(database, tokenOptions(provider, { encryption }), {
      imports: [SessionModule.forRoot(options)],
    });
    sessions = replica.module.get(SessionService);
  };
  beforeAll(async () => {
    provider = await startProvider();
  });
  afterAll(() => provider.stop());
  beforeEach(async () => {
    database = await createDatabase();
    await start();
  });
  afterEach(async () => {
    await replica.close();
    await database.drop();
  });

  const browser = (): SessionBrowser => new SessionBrowser(sessions);
  const loggedIn = async (userId = 'ada'): Promise<SessionBrowser> => {
    const mine = browser();
    await mine.logIn({ userId });
    return mine;
  };
  const storeTokens = async (userId = 'ada') =>
    replica.tokens.storeTokens({ userId, provider: PROVIDER }, await provider.mintTokens({ sub: userId }));
  const reasons = () =>
    replica.events.flatMap((event) => (event.type === 'session_ended' ? [event.reason] : []));
  /** As if so much time had gone by at the database; what is in memory is forgotten. */
  const age = async (seconds: number): Promise<void> => {
    await ageTokens(replica.dataSource, seconds);
    await replica.close();
    await start();
  };
  const again = ({ cookies }: SessionBrowser): SessionBrowser => {
    const same = browser();
    for (const [name, value] of cookies) same.cookies.set(name, value);
    return same;
  };

  it('is found by its cookie, with all that the log-in knew', async () => {
    const mine = browser();
    const started = await mine.logIn({
      userId: 'ada',
      tenantId: 'acme',
      login: LOGIN,
      attributes: { name: 'Ada' },
      userAgent: `Firefox\n${'x'.repeat(300)}`,
    });
    expect(started).toMatchObject({
      userId: 'ada',
      tenantId: 'acme',
      login: LOGIN,
      attributes: { name: 'Ada' },
    });
    expect(started.userAgent).toBe(`Firefox ${'x'.repeat(192)}`);
    expect(await mine.current()).toEqual(started);
    expect(await sessions.list({ userId: 'ada', tenantId: 'acme' })).toEqual([started]);
    expect(started.expiresAt.getTime() - started.createdAt.getTime()).toBe(43_200_000);
    expect(started.idleExpiresAt.getTime() - started.createdAt.getTime()).toBe(1_800_000);
  });

  it('shares what it knows with nobody who changes it', async () => {
    const mine = browser();
    await mine.logIn({ userId: 'ada', attributes: { roles: ['reader'] } });
    for (const read of [await mine.current(), await mine.current()])
      (read!.attributes['roles'] as string[]).push('admin');
    expect((await mine.current())!.attributes).toEqual({ roles: ['reader'] });
  });

  it('has a new id after each log-in, and a cookie from before gives nothing', async () => {
    const mine = browser();
    const name = '__Host-tokenward';
    const planted = 'A'.repeat(43);
    mine.cookies.set(name, planted);
    await mine.logIn({ userId: 'ada' });
    const first = mine.cookies.get(name)!;
    expect(first).not.toBe(planted);
    await mine.logIn({ userId: 'ada' });
    expect(mine.cookies.get(name)).not.toBe(first);
    for (const id of [planted, first])
      expect(await sessions.current({ headers: { cookie: `${name}=${id}` } })).toBeNull();
    expect(await sessions.list({ userId: 'ada' })).toHaveLength(1);
    expect(reasons()).toEqual(['replaced']);
  });

  it('is the new one for the rest of the request that has logged in, and none after its log-out', async () => {
    const mine = await loggedIn('eve');
    const { request } = mine;
    await sessions.start(request, mine.response, { userId: 'ada' });
    expect(await sessions.current(request)).toMatchObject({ userId: 'ada' });
    await sessions.end(request, mine.response);
    expect(await sessions.current(request)).toBeNull();
  });

  it('ends at the log-out, and the browser forgets it', async () => {
    const mine = await loggedIn();
    const before = again(mine);
    await mine.logOut();
    expect(mine.cookies.size).toBe(0);
    expect(await before.current()).toBeNull();
    expect(await sessions.list({ userId: 'ada' })).toEqual([]);
    expect(reasons()).toEqual(['log_out']);
    await mine.logOut();
  });

  it('is over when nobody has used it for long enough', async () => {
    const mine = await loggedIn();
    await age(1_700);
    expect(await again(mine).current()).not.toBeNull();
    await expect
      .poll(async () => (await sessions.list({ userId: 'ada' }))[0]!.idleExpiresAt.getTime() - Date.now())
      .toBeGreaterThan(1_000_000);
    await age(1_700);
    expect(await again(mine).current()).not.toBeNull();
    await expect
      .poll(async () => (await sessions.list({ userId: 'ada' }))[0]!.idleExpiresAt.getTime() - Date.now())
      .toBeGreaterThan(1_000_000);
    await age(1_801);
    expect(await again(mine).current()).toBeNull();
    await replica.maintenance.cleanUp();
    expect(reasons()).toEqual(['idle']);
  });

  it('is over at its absolute time-out, however it is used', async () => {
    await replica.close();
    await start({ idleSeconds: 1_000, absoluteSeconds: 1_000 });
    const mine = await loggedIn();
    await ageTokens(replica.dataSource, 900);
    await replica.close();
    await start({ idleSeconds: 1_000, absoluteSeconds: 1_000 });
    expect(await again(mine).current()).not.toBeNull();
    await expect
      .poll(async () => (await sessions.list({ userId: 'ada' }))[0]!.idleExpiresAt.getTime() - Date.now())
      .toBeGreaterThan(500_000);
    await age(101);
    expect(await again(mine).current()).toBeNull();
    await replica.maintenance.cleanUp();
    expect(reasons()).toEqual(['expired']);
  });

  it('is listed for its user only, and ended by its user only', async () => {
    const [laptop, phone, other] = [await loggedIn(), await loggedIn(), await loggedIn('bob')];
    const { handle } = (await phone.current())!;
    expect((await sessions.list({ userId: 'ada' })).map((one) => one.handle)).toContain(handle);
    expect(await sessions.list({ userId: 'ada', tenantId: 'acme' })).toEqual([]);
    expect(await sessions.endByHandle({ userId: 'bob', handle })).toBe(false);
    expect(await sessions.endByHandle({ userId: 'ada', tenantId: 'acme', handle })).toBe(false);
    expect(await phone.current()).not.toBeNull();
    expect(await sessions.endByHandle({ userId: 'ada', handle })).toBe(true);
    expect(await sessions.endByHandle({ userId: 'ada', handle })).toBe(false);
    expect(await phone.current()).toBeNull();
    expect(await laptop.current()).not.toBeNull();
    expect(await other.current()).not.toBeNull();
  });

  it('logs out the user’s other devices', async () => {
    const [laptop, phone, tablet, other] = [
      await loggedIn(),
      await loggedIn(),
      await loggedIn(),
      await loggedIn('bob'),
    ];
    expect(await sessions.endOthers(laptop.request)).toBe(2);
    expect(await laptop.current()).not.toBeNull();
    expect([await phone.current(), await tablet.current()]).toEqual([null, null]);
    expect(await other.current()).not.toBeNull();
  });

  it('ends for a user, a tenant, or what the provider calls it', async () => {
    const startFor = async (userId: string, tenantId: string, sid: string): Promise<SessionBrowser> => {
      const mine = browser();
      await mine.logIn({ userId, tenantId, login: { provider: PROVIDER, subject: `${userId}@id`, sid } });
      return mine;
    };
    const left = async (...all: SessionBrowser[]) =>
      Promise.all(all.map(async (one) => (await one.current()) !== null));
    const all = [
      await startFor('ada', 't1', 's1'),
      await startFor('ada', 't1', 's2'),
      await startFor('bob', 't1', 's3'),
      await startFor('cleo', 't2', 's4'),
    ];
    expect(await sessions.endAll({ provider: 'another', sid: 's1' })).toBe(0);
    expect(await sessions.endAll({ provider: PROVIDER, sid: 's1' })).toBe(1);
    expect(await left(...all)).toEqual([false, true, true, true]);
    expect(await sessions.endAll({ provider: PROVIDER, subject: 'ada@id' })).toBe(1);
    expect(await sessions.endAll({ tenantId: 't1' })).toBe(1);
    expect(await sessions.endAll({ userId: 'cleo' })).toBe(1);
    expect(await left(...all)).toEqual([false, false, false, false]);
    expect(reasons()).toEqual(Array(4).fill('ended_by_application'));
  });

  it('keeps new attributes, and has none to give once it is over', async () => {
    const mine = await loggedIn();
    expect(await sessions.update(mine.request, { attributes: { theme: 'dark' } })).toMatchObject({
      attributes: { theme: 'dark' },
    });
    expect((await mine.current())!.attributes).toEqual({ theme: 'dark' });
    const before = again(mine);
    await mine.logOut();
    await expect(sessions.update(before.request, { attributes: {} })).rejects.toThrow(SessionRequiredError);
    await expect(sessions.endOthers(before.request)).rejects.toThrow(SessionRequiredError);
  });

  describe('on stored tokens', () => {
    const onTokens = async (): Promise<SessionBrowser> => {
      const mine = browser();
      await mine.logIn({ userId: 'ada', login: { provider: PROVIDER } });
      return mine;
    };

    it('is over when they are revoked, also after a new log-in', async () => {
      await storeTokens();
      const [mine, bystander] = [await onTokens(), await loggedIn()];
      expect(await mine.current()).not.toBeNull();
      await replica.tokens.revokeTokens({ userId: 'ada', provider: PROVIDER });
      expect(await mine.current()).toBeNull();
      await storeTokens();
      expect(await mine.current()).toBeNull();
      expect(await bystander.current()).not.toBeNull();
      await expect.poll(reasons).toEqual(['tokens_ended']);
    });

    it('is over when their refresh token is known dead, also after a new log-in, and not before', async () => {
      await storeTokens();
      const mine = await onTokens();
      const ref = { userId: 'ada', provider: PROVIDER };
      await replica.tokens.refreshTokens(ref);
      provider.faults.fail(500, {}, '');
      await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow();
      expect(await mine.current()).not.toBeNull();
      await replica.dataSource.query('UPDATE tokenward_tokens SET retry_after = NULL');
      provider.faults.fail(400, {}, '{"error":"invalid_grant"}');
      await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ReauthorizationRequiredError);
      expect(await mine.current()).toBeNull();
      await storeTokens();
      expect(await mine.current()).toBeNull();
    });

    it('goes on when a second log-in replaces them', async () => {
      await storeTokens();
      const mine = await onTokens();
      await storeTokens();
      expect(await mine.current()).not.toBeNull();
    });

    it('is not started once they are revoked, and sets no cookie', async () => {
      await storeTokens();
      await replica.tokens.revokeTokens({ userId: 'ada', provider: PROVIDER });
      const mine = browser();
      await expect(mine.logIn({ userId: 'ada', login: { provider: PROVIDER } })).rejects.toThrow(
        ReauthorizationRequiredError,
      );
      expect(mine.response.getHeader('set-cookie')).toBeUndefined();
      expect(await sessions.list({ userId: 'ada' })).toEqual([]);
    });

    it('ends with them by its handle, when it is the last one on them', async () => {
      await storeTokens();
      const [laptop, phone] = [await onTokens(), await onTokens()];
      const handleOf = async (one: SessionBrowser) => (await one.current())!.handle;
      const [first, second] = [await handleOf(laptop), await handleOf(phone)];
      expect(await replica.tokens.revokeAll({ sessionId: first, userId: 'bob' })).toBe(0);
      expect(await laptop.current()).not.toBeNull();
      expect(await replica.tokens.revokeAll({ sessionId: first })).toBe(0);
      expect(await laptop.current()).toBeNull();
      expect(await phone.current()).not.toBeNull();
      expect(await replica.tokens.getTokens({ userId: 'ada', provider: PROVIDER })).not.toBeNull();
      expect(await replica.tokens.revokeAll({ sessionId: second })).toBe(1);
      expect(await phone.current()).toBeNull();
      expect(await replica.tokens.getTokens({ userId: 'ada', provider: PROVIDER })).toBeNull();
    });

    it('takes no tokens of a later log-in with it', async () => {
      await storeTokens();
      const mine = await onTokens();
      const { handle } = (await mine.current())!;
      await replica.tokens.revokeTokens({ userId: 'ada', provider: PROVIDER });
      await storeTokens();
      expect(await replica.tokens.revokeAll({ sessionId: handle })).toBe(0);
      expect(await replica.tokens.getTokens({ userId: 'ada', provider: PROVIDER })).not.toBeNull();
    });
  });

  it('that has ended at another replica is found by nobody who was told so', async () => {
    const mine = await loggedIn();
    const { request } = mine;
    const options = tokenOptions(provider, { encryption });
    const other = await startReplica(database, options, { imports: [SessionModule.forRoot()] });
    const there = other.module.get(SessionService);
    const told = firstValueFrom(there.ended);
    const { handle } = (await there.current(request))!;
    await mine.logOut();
    expect(await told).toEqual({ handle, reason: 'log_out' });
    expect(await there.current(request)).toBeNull();
    await other.close();
  });

  it('of a shredded tenant is over', async () => {
    const [mine, other] = [browser(), await loggedIn('bob')];
    await mine.logIn({ userId: 'ada', tenantId: 'acme' });
    expect(await mine.current()).not.toBeNull();
    await replica.keys.shredTenant('acme');
    expect(await mine.current()).toBeNull();
    expect(await other.current()).not.toBeNull();
    expect(
      await replica.dataSource.query(`SELECT attributes_ct FROM tokenward_sessions WHERE tenant_id = 'acme'`),
    ).toEqual([{ attributes_ct: null }]);
    await expect(mine.logIn({ userId: 'ada', tenantId: 'acme' })).rejects.toThrow(/KEY_DESTROYED/);
  });

  it('that cannot be opened is nobody’s, is counted, and is kept', async () => {
    const [mine, other] = [await loggedIn(), await loggedIn('bob')];
    const [a, b] = [(await mine.current())!.handle, (await other.current())!.handle];
    const rows = async () =>
      replica.dataSource.query('SELECT id, attributes_ct FROM tokenward_sessions ORDER BY id') as Promise<
        { id: string; attributes_ct: string }[]
      >;
    const taken = (await rows()).find(({ id }) => id === b)!.attributes_ct;
    await replica.dataSource.query(
      `UPDATE tokenward_sessions SET attributes_ct = '${taken}' WHERE id = '${a}'`,
    );
    const before = await rows();
    await age(0);
    expect(await again(mine).current()).toBeNull();
    expect(await sessions.list({ userId: 'ada' })).toEqual([]);
    expect(replica.events).toContainEqual({
      type: 'decryption_failed',
      reason: 'AUTH_FAILED',
      recordId: a,
      field: 'session_attributes',
    });
    await replica.dataSource.query(`UPDATE tokenward_sessions SET attributes_ct = 'plain' WHERE id = '${a}'`);
    expect(await again(mine).current()).toBeNull();
    expect(await rows()).toHaveLength(before.length);
  });

  it('is deleted when it has been over for longer than the retention, in batches', async () => {
    await replica.close();
    replica = await startReplica(
      database,
      tokenOptions(provider, { encryption, cleanup: { retentionDays: 1, batchSize: 2 } }),
      {
        imports: [SessionModule.forRoot()],
      },
    );
    sessions = replica.module.get(SessionService);
    const alive = await loggedIn('bob');
    for (let count = 0; count < 5; count++) await (await loggedIn()).logOut();
    expect(await replica.maintenance.cleanUp()).toBe(0);
    await replica.dataSource.query('UPDATE tokenward_sessions SET ended_at = ended_at - 90000000');
    expect(await replica.maintenance.cleanUp()).toBe(5);
    expect(await alive.current()).not.toBeNull();
  });

  it('is made of nothing that the database holds', async () => {
    const mine = await loggedIn();
    const id = mine.cookies.get('__Host-tokenward')!;
    expect(Buffer.from(id, 'base64url')).toHaveLength(32);
    const dump = JSON.stringify(await replica.dataSource.query('SELECT * FROM tokenward_sessions'));
    for (const form of ['base64url', 'base64', 'hex'] as const)
      expect(dump).not.toContain(Buffer.from(id, 'base64url').toString(form));
    expect(JSON.stringify(replica.events)).not.toContain(id);
    const [row] = (await replica.dataSource.query('SELECT id, id_hash FROM tokenward_sessions')) as [
      Record<string, string>,
    ];
    for (const thief of Object.values(row))
      expect(await sessions.current({ headers: { cookie: `__Host-tokenward=${thief}` } })).toBeNull();
  });
});
