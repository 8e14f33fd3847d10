import {
  DataKeyEntity,
  RevocationEntity,
  TokenEntity,
  TokenNotFoundError,
  type TokenRef,
} from '@tokenward/nestjs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  freshKeyring,
  PROVIDER,
  providerOptions,
  type Replica,
  startReplica,
  tokenOptions,
} from '../support/app.js';
import { DatabaseFaults } from '@tokenward/nestjs/testing';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { RevocationEndpoint } from '../support/revocation-endpoint.js';
import { tokensIn } from '../support/token-search.js';

const DAY_MS = 86_400_000;
const DOWN = { status: 503 };
let users = 0;

describeOnEachDatabase('A revocation', ({ kind, createDatabase }) => {
  let provider: TestProvider;
  let endpoint: RevocationEndpoint;
  let database: TestDatabase;
  let one: Replica;
  let two: Replica;
  let faults: DatabaseFaults;

  beforeAll(async () => {
    provider = await startProvider();
    endpoint = new RevocationEndpoint(provider.issuer);
    await endpoint.start();
    database = await createDatabase();
    const acme = { ...providerOptions(provider), revocationEndpoint: endpoint.url };
    const options = tokenOptions(provider, {
      encryption: { keyring: freshKeyring() },
      providers: {
        [PROVIDER]: acme,
        other: acme,
        whole: { ...acme, profile: { source: 'this test', revocationEndsGrant: true } },
        rotating: { ...acme, clientSecret: ['next-secret-that-is-not-valid-yet', provider.clientSecret] },
        mute: {
          tokenEndpoint: `${provider.issuer}/token`,
          clientId: acme.clientId,
          allowInsecureRequests: true,
        },
      },
      // Of two secrets and this no statement may get a fraction of a millisecond.
      refresh: { ahead: false, timeoutSeconds: 24.9 },
      cache: {},
    });
    one = await startReplica(database, options);
    two = await startReplica(database, options);
    faults = new DatabaseFaults(one.dataSource);
  });
  afterEach(async () => {
    endpoint.clear();
    await outbox().clear();
    for (const { events } of [one, two]) events.length = 0;
  });
  afterAll(async () => {
    await one.close();
    await two.close();
    await database.drop();
    await endpoint.stop();
    await provider.stop();
  });

  const outbox = () => one.dataSource.getRepository(RevocationEntity);
  const login = async (more: Partial<TokenRef> = {}): Promise<TokenRef> => {
    const ref = { userId: `user-${++users}`, provider: PROVIDER, ...more };
    await one.tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
    return ref;
  };
  /** With the end of the first try, which a machine that is busy may see only after the call. */
  const revoke = async (ref: TokenRef): Promise<void> => {
    await one.tokens.revokeTokens(ref);
    const isUnderWay = async () =>
      (await outbox().find()).some(({ attempts, lastFailure }) => attempts > 0 && lastFailure === null);
    await expect.poll(isUnderWay).toBe(false);
  };
  /** The time passes that an entry has to wait, for its back-off or for the end of a claim. */
  const timePasses = () => outbox().updateAll({ retryAfter: 1 });
  const statusOf = async (ref: TokenRef) =>
    (await one.tokens.listTokens({ tenantId: 'default', account: 'default', ...ref }))[0]!.status;
  const outcomes = (...replicas: Replica[]) =>
    replicas
      .flatMap(({ events }) => events)
      .flatMap((event) =>
        event.type === 'revocation_failed' || event.type === 'revocation_postponed'
          ? [[event.type, event.reason]]
          : event.type === 'revocation_done'
            ? [[event.type]]
            : [],
      );

  it('that the provider takes at once leaves nothing behind', async () => {
    const ref = await login();
    const { length } = provider.oracle.revokedGrants;
    await revoke(ref);
    expect(provider.oracle.revokedGrants.length).toBe(length + 1);
    expect(await outbox().count()).toBe(0);
    expect(outcomes(one)).toEqual([['revocation_done']]);
  });

  it('keeps nobody waiting for a provider that says nothing, and is done when that answers', async () => {
    const ref = await login();
    const { length } = provider.oracle.revokedGrants;
    const release = endpoint.hold();
    await one.tokens.revokeTokens(ref);
    await expect(one.tokens.getAccessToken(ref)).rejects.toThrow(TokenNotFoundError);
    expect(await outbox().count()).toBe(1);
    expect(provider.oracle.revokedGrants.length).toBe(length);
    release();
    await expect.poll(() => outbox().count()).toBe(0);
    expect(provider.oracle.revokedGrants.length).toBe(length + 1);
  });

  it('that finds the provider down is local at once, and done by the job when the provider is back', async () => {
    const ref = await login();
    const { length } = provider.oracle.revokedGrants;
    endpoint.fail(DOWN);
    await revoke(ref);
    await timePasses();
    endpoint.fail('drop');
    expect(await one.maintenance.revokePending()).toBe(0);
    await timePasses();
    expect(await statusOf(ref)).toBe('revoked');
    await expect(one.tokens.getAccessToken(ref)).rejects.toThrow(TokenNotFoundError);
    expect(provider.oracle.revokedGrants.length).toBe(length);
    expect(await outbox().find()).toMatchObject([{ attempts: 2, provider: PROVIDER }]);
    endpoint.clear();
    expect(await two.maintenance.revokePending()).toBe(1);
    expect(provider.oracle.revokedGrants.length).toBe(length + 1);
    expect(await outbox().count()).toBe(0);
    expect(outcomes(one, two).map(([type]) => type)).toEqual([
      'revocation_postponed',
      'revocation_postponed',
      'revocation_done',
    ]);
  });

  it('waits for its back-off, and for what the provider wishes, with all others of that provider', async () => {
    endpoint.fail({ status: 429, headers: { 'retry-after': '3600' } });
    const [first, second] = [await login(), await login()];
    await revoke(first);
    await one.tokens.revokeAll({ userId: second.userId });
    await outbox().update({ attempts: 0 }, { retryAfter: 1 });
    const asked = endpoint.requests.length;
    await one.maintenance.revokePending();
    expect(endpoint.requests.length).toBe(asked + 1);
    endpoint.clear();
    await two.maintenance.revokePending();
    expect(endpoint.requests.length).toBe(asked + 1);
    for (const { retryAfter } of await outbox().find())
      expect(retryAfter).toBeGreaterThan(Date.now() + 3_000_000);
  });

  it('whose process has died in the middle is done by another replica', async () => {
    const ref = await login();
    const { length } = provider.oracle.revokedGrants;
    // Nothing is known of the answer, and the process does not come back to write down how it ended.
    const release = endpoint.hold();
    const asked = endpoint.requests.length;
    const revoking = one.tokens.revokeTokens(ref);
    await expect.poll(() => endpoint.requests.length).toBe(asked + 1);
    expect(await outbox().find()).toMatchObject([{ attempts: 1 }]);
    expect(await two.maintenance.revokePending()).toBe(0);
    expect(endpoint.requests.length).toBe(asked + 1);
    endpoint.fail('drop');
    await timePasses();
    faults.fail(/UPDATE .*tokenward_revocations/, 'before');
    release();
    await revoking;
    endpoint.clear();
    expect(await two.maintenance.revokePending()).toBe(1);
    expect(provider.oracle.revokedGrants.length).toBe(length + 1);
  });

  it('is asked for once although the jobs of two replicas run at the same time', async () => {
    endpoint.fail(DOWN);
    const refs = await Promise.all(Array.from({ length: 25 }, () => login()));
    for (const { userId } of refs) await one.tokens.revokeAll({ userId });
    endpoint.clear();
    const asked = endpoint.requests.length;
    const { length } = provider.oracle.revokedGrants;
    const done = await Promise.all([one, two].map(({ maintenance }) => maintenance.revokePending()));
    expect(done[0]! + done[1]!).toBe(25);
    expect(endpoint.requests.length).toBe(asked + 25);
    expect(new Set(endpoint.requests.slice(asked)).size).toBe(25);
    expect(provider.oracle.revokedGrants.length).toBe(length + 25);
  });

  it('asks a provider that is down once in a run, and goes on with the others', async () => {
    const down = await Promise.all(Array.from({ length: 5 }, () => login()));
    for (const { userId } of down) await one.tokens.revokeAll({ userId });
    await one.tokens.revokeAll({ userId: (await login({ provider: 'mute' })).userId });
    endpoint.fail(DOWN);
    const asked = endpoint.requests.length;
    expect(await one.maintenance.revokePending()).toBe(0);
    expect(endpoint.requests.length).toBe(asked + 1);
    expect(await outbox().count()).toBe(5);
  });

  it('of a token that came back to a refresh after the log-out is done later, too', async () => {
    const ref = await login();
    const { exchanges } = provider.oracle;
    const reply = provider.faults.holdReply();
    const refreshing = one.tokens.refreshTokens(ref);
    refreshing.catch(() => undefined);
    await expect.poll(() => provider.oracle.exchanges).toBe(exchanges + 1);
    endpoint.fail(DOWN);
    await one.dataSource
      .getRepository(TokenEntity)
      .update(
        { userId: ref.userId },
        { status: 'revoked', generation: 2, accessCt: null, refreshCt: null, idCt: null },
      );
    const { length } = provider.oracle.revokedGrants;
    reply();
    await expect(refreshing).rejects.toThrow(TokenNotFoundError);
    expect(await outbox().find()).toMatchObject([{ provider: PROVIDER, lastFailure: 'status 503' }]);
    expect(provider.oracle.revokedGrants.length).toBe(length);
    endpoint.clear();
    await timePasses();
    expect(await two.maintenance.revokePending()).toBe(1);
    expect(provider.oracle.revokedGrants.length).toBe(length + 1);
  });

  it('of such a token is not forgotten while the database is away', async () => {
    const ref = await login();
    const { exchanges } = provider.oracle;
    const reply = provider.faults.holdReply();
    const refreshing = one.tokens.refreshTokens(ref);
    refreshing.catch(() => undefined);
    await expect.poll(() => provider.oracle.exchanges).toBe(exchanges + 1);
    await two.tokens.revokeTokens(ref);
    const asked = endpoint.requests.length;
    // On SQLite this statement goes past what faults can reach.
    const outages = kind === 'sqlite' ? 0 : 2;
    for (let outage = 0; outage < outages; outage++)
      faults.fail(/INSERT INTO .*tokenward_revocations/, 'before');
    reply();
    await expect(refreshing).rejects.toThrow(TokenNotFoundError);
    expect(endpoint.requests.length).toBe(asked + 1);
    expect(await outbox().count()).toBe(0);
  });

  it('is tried with the next client secret where the first one is refused', async () => {
    const ref = await login({ provider: 'rotating' });
    const { length } = provider.oracle.revokedGrants;
    await revoke(ref);
    expect(provider.oracle.revokedGrants.length).toBe(length + 1);
  });

  it('is dropped after a new log-in where it would end that as well, and only there', async () => {
    endpoint.fail(DOWN);
    const [whole, single] = [await login({ provider: 'whole' }), await login()];
    for (const ref of [whole, single]) {
      await revoke(ref);
      await one.tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
    }
    endpoint.clear();
    for (const { events } of [one, two]) events.length = 0;
    await timePasses();
    const { length } = provider.oracle.revokedGrants;
    expect(await two.maintenance.revokePending()).toBe(1);
    expect(provider.oracle.revokedGrants.length).toBe(length + 1);
    expect(outcomes(two)).toHaveLength(2);
    expect(outcomes(two)).toContainEqual(['revocation_failed', 'logged_in_again']);
    expect(await outbox().count()).toBe(0);
  });

  it('of a token that the provider does not know is done', async () => {
    const ref = await login();
    await provider.revoke((await one.tokens.getTokens(ref))!.refreshToken!.value);
    await revoke(ref);
    expect(outcomes(one)).toEqual([['revocation_done']]);
    expect(await outbox().count()).toBe(0);
  });

  it('that the provider refuses for good, or has no endpoint for, is given up and counted', async () => {
    endpoint.fail({ status: 400, body: { error: 'unsupported_token_type' } });
    await revoke(await login());
    await revoke(await login({ provider: 'mute' }));
    expect(await outbox().count()).toBe(0);
    expect(outcomes(one)).toEqual([
      ['revocation_failed', 'unsupported_token_type'],
      ['revocation_failed', 'no_revocation_endpoint'],
    ]);
  });

  it('at a provider that this replica does not know is left to those that do, for an hour', async () => {
    const { userId } = await login();
    await one.dataSource.getRepository(TokenEntity).update({ userId }, { provider: 'gone' });
    await one.tokens.revokeAll({ userId });
    expect(await one.maintenance.revokePending()).toBe(0);
    expect(await outbox().find()).toMatchObject([{ lastFailure: 'provider_not_configured' }]);
    await outbox().updateAll({ createdAt: Date.now() - 3_700_000, retryAfter: 1 });
    await one.maintenance.revokePending();
    expect(await outbox().count()).toBe(0);
    expect(outcomes(one).at(-1)).toEqual(['revocation_failed', 'provider_not_configured']);
  });

  it('that has failed for a week is given up, and counted once', async () => {
    endpoint.fail(DOWN);
    const [old, young] = [await login(), await login()];
    await revoke(old);
    await outbox().updateAll({ createdAt: Date.now() - 7 * DAY_MS - 60_000 });
    await revoke(young);
    const asked = endpoint.requests.length;
    await Promise.all([one, two].map(({ maintenance }) => maintenance.revokePending()));
    expect(endpoint.requests.length).toBe(asked);
    expect(await outbox().count()).toBe(1);
    expect(outcomes(one, two).filter(([type]) => type === 'revocation_failed')).toEqual([
      ['revocation_failed', 'expired'],
    ]);
  });

  it('whose entry was changed by somebody is given up, and the others are done', async () => {
    endpoint.fail(DOWN);
    const [bad, good] = [await login(), await login()];
    for (const ref of [bad, good]) await revoke(ref);
    const entries = await outbox().find();
    const goodRow = await one.dataSource.getRepository(TokenEntity).findOneByOrFail({ userId: good.userId });
    const goodEntry = entries.find(({ recordId }) => recordId === goodRow.id)!;
    await outbox().update(
      { recordId: entries.find((entry) => entry !== goodEntry)!.recordId },
      {
        tokenCt: goodEntry.tokenCt,
      },
    );
    endpoint.clear();
    await timePasses();
    expect(await one.maintenance.revokePending()).toBe(1);
    expect(await outbox().count()).toBe(0);
    expect(outcomes(one)).toContainEqual(['revocation_failed', 'token_unreadable']);
  });

  it('holds no token in plain text', async () => {
    endpoint.fail(DOWN);
    await revoke(await login());
    const content = JSON.stringify(await one.dataSource.query('SELECT * FROM tokenward_revocations'));
    expect(content).toContain('tm1.');
    expect(tokensIn(content, provider.oracle.issued)).toEqual([]);
  });

  it('keeps its data key from being retired until a try has moved it to the active one', async () => {
    const tenantId = `tenant-${++users}`;
    endpoint.fail(DOWN);
    await revoke(await login({ tenantId }));
    const { rotated } = await one.keys.rotate({ tenantId });
    await one.maintenance.reencrypt();
    const { from, to } = rotated.find(({ purpose }) => purpose === 'token')!;
    expect((await one.keys.plan({ tenantId })).retire).toEqual([]);
    expect((await one.keys.status()).dataKeys.find(({ id }) => id === from)).toMatchObject({
      rows: 0,
      pendingRevocations: 1,
    });
    await expect(one.keys.retire(from)).rejects.toMatchObject({
      code: 'KEY_IN_USE',
      message: expect.stringMatching(/1 token\(s\) under it wait for their revocation/),
    });
    await timePasses();
    expect(await one.maintenance.revokePending()).toBe(0);
    expect((await one.keys.status()).dataKeys.find(({ id }) => id === to)).toMatchObject({
      pendingRevocations: 1,
    });
    await one.keys.retire(from);
    endpoint.clear();
    await timePasses();
    const { length } = provider.oracle.revokedGrants;
    expect(await one.maintenance.revokePending()).toBe(1);
    expect(provider.oracle.revokedGrants.length).toBe(length + 1);
  });

  it('ends with its tenant’s shredding', async () => {
    const tenantId = `tenant-${++users}`;
    endpoint.fail(DOWN);
    await revoke(await login());
    await revoke(await login({ tenantId }));
    await one.keys.shredTenant(tenantId);
    expect((await outbox().find()).map((entry) => entry.tenantId)).toEqual(['default']);
    const keys = await one.dataSource.getRepository(DataKeyEntity).find({ where: { tenantId } });
    for (const { usableId, state } of keys) expect([usableId, state]).toEqual([null, 'destroyed']);
  });

  it('of everything that a filter names is local at once, and left to the job', async () => {
    const tenantId = `tenant-${++users}`;
    const userId = `user-${++users}`;
    const hers = [
      await login({ tenantId, userId }),
      await login({ tenantId, userId, account: 'second' }),
      await login({ tenantId, userId, provider: 'other' }),
    ];
    const others = [await login({ tenantId }), await login({ userId }), await login()];
    for (const ref of [...hers, ...others]) await one.tokens.getAccessToken(ref);
    const asked = endpoint.requests.length;
    expect(await one.tokens.revokeAll({ tenantId, userId })).toBe(3);
    expect(await one.tokens.revokeAll({ tenantId, userId })).toBe(0);
    expect(endpoint.requests.length).toBe(asked);
    // Also from the cache of this process.
    for (const ref of hers) await expect(one.tokens.getAccessToken(ref)).rejects.toThrow(TokenNotFoundError);
    for (const ref of others) expect(await statusOf(ref)).toBe('active');
    expect(await two.maintenance.revokePending()).toBe(3);
    expect(await one.tokens.revokeAll({ tenantId })).toBe(1);
  });

  it('of more than one batch reaches all of them, once', async () => {
    const tenantId = `tenant-${++users}`;
    const tokens = { access_token: 'a', refresh_token: 'r' };
    for (let user = 0; user < 230; user++)
      await one.tokens.storeTokens({ tenantId, userId: `many-${user}`, provider: 'mute' }, tokens);
    const counts = await Promise.all([one, two].map((replica) => replica.tokens.revokeAll({ tenantId })));
    expect(counts[0]! + counts[1]!).toBe(230);
    expect(await outbox().count()).toBe(230);
    await one.maintenance.revokePending();
    expect(await outbox().count()).toBe(0);
  });

  it.each([
    [{}, 'filter'],
    [{ userId: undefined }, 'filter'],
    [{ account: 'a' }, 'filter.account'],
    [{ userId: 'a', status: 'active' }, 'filter.status'],
    [{ userId: '' }, 'filter.userId'],
    [null, 'filter'],
  ])('of %j is refused', async (filter, field) => {
    await expect(one.tokens.revokeAll(filter as never)).rejects.toMatchObject({ field });
  });
});
