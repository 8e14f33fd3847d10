import { TokenEntity, type TokenRef } from '@tokenward/nestjs';
import { SessionModule, SessionService } from '@tokenward/nestjs/session';
import { SchedulerRegistry } from '@nestjs/schedule';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica, tokenOptions } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { SessionBrowser } from '../support/session/session-browser.js';

const DAY_MS = 86_400_000;
const sharedKeyring = { keyring: freshKeyring() };
let users = 0;

describeOnEachDatabase('Maintenance', ({ createDatabase }) => {
  let provider: TestProvider;
  let database: TestDatabase;
  let replicas: [Replica, Replica];

  beforeAll(async () => {
    provider = await startProvider();
    database = await createDatabase();
    const options = tokenOptions(provider, {
      encryption: sharedKeyring,
      cleanup: { retentionDays: 30, batchSize: 7 },
      refresh: {},
    });
    replicas = [await startReplica(database, options), await startReplica(database, options)];
  });
  afterAll(async () => {
    for (const replica of replicas) await replica.close();
    await database.drop();
    await provider.stop();
  });

  const rows = () => replicas[0].dataSource.getRepository(TokenEntity);
  const login = async (): Promise<TokenRef & { userId: string }> => {
    const ref = { userId: `user-${++users}`, provider: PROVIDER };
    await replicas[0].tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
    return ref;
  };

  it('is scheduled with the host’s scheduler', () => {
    const jobs = replicas[0].module.get(SchedulerRegistry).getCronJobs();
    expect([...jobs.keys()]).toEqual(['tokenward-refresh-ahead', 'tokenward-clean-up']);
    for (const job of jobs.values()) expect(job.isActive).toBe(true);
  });

  it('cleans up what is dead for longer than the retention, and nothing else', async () => {
    const old = Date.now() - 31 * DAY_MS;
    const make = async (change: Partial<TokenEntity>): Promise<string> => {
      const { userId } = await login();
      await rows().update({ userId }, { updatedAt: old, ...change });
      return userId;
    };
    const cells = { accessCt: null, refreshCt: null, idCt: null };
    const dead = [
      ...(await Promise.all(Array.from({ length: 20 }, () => make({ status: 'revoked', ...cells })))),
      await make({ status: 'reauthorization_required' }),
      await make({ refreshCt: null, expiresAt: old }),
    ];
    const alive = [
      await make({}),
      await make({ expiresAt: old }),
      await make({ refreshCt: null, expiresAt: null }),
      await make({ refreshCt: null, expiresAt: Date.now() - DAY_MS }),
      await make({ status: 'revoked', updatedAt: Date.now(), ...cells }),
    ];
    const deleted = await Promise.all(replicas.map(({ maintenance }) => maintenance.cleanUp()));
    expect(deleted[0]! + deleted[1]!).toBe(dead.length);
    const left = (await rows().find()).map(({ userId }) => userId);
    expect(left).toEqual(expect.arrayContaining(alive));
    for (const userId of dead) expect(left).not.toContain(userId);
    expect(await replicas[0].maintenance.cleanUp()).toBe(0);
  });

  it('logs nobody out whose provider gives no refresh tokens', async () => {
    const options = tokenOptions(provider, { encryption: sharedKeyring, cleanup: { retentionDays: 0 } });
    const replica = await startReplica(database, options, { imports: [SessionModule.forRoot()] });
    const { userId } = await login();
    const browser = new SessionBrowser(replica.module.get(SessionService));
    const { handle } = await browser.logIn({ userId, login: { provider: PROVIDER } });
    await rows().update({ userId }, { refreshCt: null, expiresAt: Date.now() - DAY_MS });
    await replica.maintenance.cleanUp();
    expect(await replica.module.get(SessionService).list({ userId })).toMatchObject([{ handle }]);
    await browser.logOut();
    await replica.maintenance.cleanUp();
    expect(await rows().countBy({ userId }), 'tokens that are of no use to anybody').toBe(0);
    await replica.close();
  });

  it('refreshes due tokens once although two replicas run it at the same time', async () => {
    const due = await Promise.all(Array.from({ length: 30 }, login));
    const notDue = await login();
    for (const { userId } of due) await rows().update({ userId }, { refreshAfter: 1 });
    const before = provider.oracle.exchanges;
    await Promise.all(replicas.map(({ maintenance }) => maintenance.refreshAhead()));
    expect(provider.oracle.exchanges - before).toBe(due.length);
    expect(provider.oracle.reuses).toBe(0);
    for (const ref of due) expect((await replicas[0].tokens.listTokens(ref))[0]!.generation).toBe(2);
    expect((await replicas[0].tokens.listTokens(notDue))[0]!.generation).toBe(1);
  });

  it('goes on after one user’s grant is dead, and leaves that one alone from then on', async () => {
    const [bad, good] = [await login(), await login()];
    await provider.revoke((await replicas[0].tokens.getTokens(bad))!.refreshToken!.value);
    for (const { userId } of [bad, good]) await rows().update({ userId }, { refreshAfter: 1 });
    expect(await replicas[0].maintenance.refreshAhead()).toBe(1);
    expect((await replicas[0].tokens.listTokens(bad))[0]!.status).toBe('reauthorization_required');
    expect((await replicas[0].tokens.listTokens(good))[0]!.generation).toBe(2);
    const before = provider.oracle.requests.length;
    expect(await replicas[0].maintenance.refreshAhead()).toBe(0);
    expect(provider.oracle.requests.length).toBe(before);
  });

  it('is not held up by rows that it cannot refresh at all', async () => {
    const options = tokenOptions(provider, { refresh: { ahead: { batchSize: 2 } } });
    const small = await startReplica(database, { ...options, encryption: sharedKeyring });
    const [gone, unreadable, good] = [await login(), await login(), await login()];
    const other = await rows().findOneByOrFail({ userId: good.userId });
    await rows().update({ userId: gone.userId }, { refreshAfter: 1, provider: 'gone' });
    await rows().update(
      { userId: unreadable.userId },
      { refreshAfter: 2, accessCt: other.accessCt, refreshCt: other.refreshCt, idCt: other.idCt },
    );
    await rows().update({ userId: good.userId }, { refreshAfter: 3 });
    for (let run = 0; run < 2; run++) await small.maintenance.refreshAhead();
    expect((await small.tokens.listTokens(good))[0]!.generation).toBe(2);
    expect((await small.tokens.listTokens(unreadable))[0]).toMatchObject({ status: 'active', generation: 1 });
    await small.close();
  });

  it('reports its runs', () => {
    const runs = replicas[0].events.filter((event) => event.type === 'job_run');
    expect(runs).toContainEqual({
      type: 'job_run',
      job: 'clean_up',
      outcome: 'succeeded',
      processed: expect.any(Number),
    });
    expect(runs).toContainEqual({
      type: 'job_run',
      job: 'refresh_ahead',
      outcome: 'succeeded',
      processed: expect.any(Number),
    });
  });
});
