import type { TokenModuleOptions, TokenRef } from '@tokenward/nestjs';
import {
  type AuthorizationServer,
  DatabaseFaults,
  startAuthorizationServer,
} from '@tokenward/nestjs/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshKeyring, type Replica, startReplica } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';

const ada: TokenRef = { userId: 'ada', provider: 'acme' };
const bob: TokenRef = { userId: 'bob', provider: 'acme' };
const ROW_READ = /FROM ["`]?tokenward_tokens/;

describeOnEachDatabase('A shutdown', ({ createDatabase }) => {
  let server: AuthorizationServer;
  let database: TestDatabase;
  let replica: Replica;
  let witness: Replica;

  beforeEach(async () => {
    server = await startAuthorizationServer({ mode: 'strict' });
    database = await createDatabase();
    const options: TokenModuleOptions = {
      providers: { acme: server.provider },
      encryption: { keyring: freshKeyring() },
      refresh: { ahead: false, shutdownSeconds: 900 },
      cleanup: false,
      revocation: false,
      rotation: false,
      cache: false,
    };
    replica = await startReplica(database, options);
    witness = await startReplica(database, options);
    for (const ref of [ada, bob])
      await witness.tokens.storeTokens(ref, { ...(await server.mint(ref.userId)) });
  });
  afterEach(async () => {
    await replica.close();
    await witness.close();
    await database.drop();
    await server.stop();
  });

  const isTurnedAway = (): Promise<boolean> =>
    replica.tokens.refreshTokens(bob).then(
      () => false,
      (error: Error) => /shutting down/.test(error.message),
    );
  const assertAlive = async (): Promise<void> => {
    for (const ref of [ada, bob])
      expect(server.oracle.aliveRefreshTokens()).toContain(
        (await witness.tokens.getTokens(ref))?.refreshToken?.value,
      );
    expect(server.oracle.reuses).toBe(0);
  };

  it.each([
    ['is still being read', ROW_READ],
    ['is about to be claimed', /SET claim_id = /],
  ])('serves a call that came before, whose row %s', async (_, statement) => {
    const { reached, release } = new DatabaseFaults(replica.dataSource).hold(statement);
    const refreshing = replica.tokens.refreshTokens(ada);
    await reached;
    const closing = replica.close();
    await expect.poll(isTurnedAway).toBe(true);
    release();
    expect((await refreshing).value).toBeTruthy();
    await closing;
    await assertAlive();
  });

  it('that has time lets end what is in flight, and nothing new begins', async () => {
    const reply = server.faults.holdReply();
    const refreshing = replica.tokens.refreshTokens(ada);
    await expect.poll(() => server.oracle.exchanges).toBe(1);
    const closing = replica.close();
    expect((await replica.tokens.getAccessToken(bob)).value).toBeTruthy();
    await expect(replica.tokens.refreshTokens(bob)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      message: expect.stringMatching(/shutting down/),
    });
    reply();
    expect((await refreshing).value).toBeTruthy();
    await closing;
    expect(server.oracle.exchanges).toBe(1);
    expect(await witness.tokens.listTokens(bob)).toMatchObject([{ status: 'active', generation: 1 }]);
    expect((await witness.tokens.refreshTokens(bob)).value).toBeTruthy();
    await assertAlive();
  });

  it('does not wait for calls that come after it has begun', async () => {
    const reply = server.faults.holdReply();
    const refreshing = replica.tokens.refreshTokens(ada);
    await expect.poll(() => server.oracle.exchanges).toBe(1);
    const closing = replica.close();
    await expect.poll(isTurnedAway).toBe(true);
    const { reached, release } = new DatabaseFaults(replica.dataSource).hold(ROW_READ);
    const late = replica.tokens.getAccessToken(bob).catch(() => undefined);
    await reached;
    reply();
    expect((await refreshing).value).toBeTruthy();
    await closing;
    release();
    await late;
    await assertAlive();
  });
});
