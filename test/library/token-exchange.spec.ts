import { inspect } from 'node:util';
import {
  type ExchangeTokenOptions,
  ReauthorizationRequiredError,
  TokenInputError,
  TokenNotFoundError,
  type TokenRef,
  type TokenResponse,
} from '@tokenward/nestjs';
import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PROVIDER, providerOptions, type Replica, startReplica, tokenOptions } from '../support/app.js';
import { createDatabase, describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { type GrantsProvider, startGrantsProvider } from '../support/grants-provider.js';

const SCOPE = 'openid offline_access read write';
let users = 0;

/** A replica of its own for one provider. */
const start = (database: TestDatabase, provider: GrantsProvider, cache: false | object = false) =>
  startReplica(database, {
    ...tokenOptions(provider as never),
    providers: { [PROVIDER]: providerOptions(provider as never) },
    cache,
  });

const login = async (
  replica: Replica,
  provider: GrantsProvider,
  ref: TokenRef,
  more: Partial<TokenResponse> = {},
) => {
  const sub = [ref.tenantId ?? 'default', ref.userId, ref.account ?? 'default'].join('/');
  await replica.tokens.storeTokens(ref, { ...(await provider.mintTokens({ sub, scope: SCOPE })), ...more });
  return ref;
};

describeOnEachDatabase('exchangeToken', ({ createDatabase: create }) => {
  let provider: GrantsProvider;
  let database: TestDatabase;
  let replica: Replica;

  beforeAll(async () => {
    provider = await startGrantsProvider();
    database = await create();
    replica = await start(database, provider);
  });
  afterEach(() => {
    provider.faults.clear();
    provider.ttlSeconds = 300;
  });
  afterAll(async () => {
    await replica.close();
    await database.drop();
    await provider.stop();
  });

  const someone = (more: Partial<TokenResponse> = {}) =>
    login(replica, provider, { userId: `user-${++users}`, provider: PROVIDER }, more);
  const exchange = (ref: TokenRef, options: ExchangeTokenOptions = { audience: 'api-orders' }) =>
    replica.tokens.exchangeToken(ref, options);
  const exchanges = async (work: () => Promise<unknown>): Promise<number> => {
    const before = provider.requests('token_exchange');
    await work();
    return provider.requests('token_exchange') - before;
  };

  it("gives a token for the user and for what was asked, which never shows the user's own", async () => {
    const ref = await someone();
    const token = await exchange(ref, {
      audience: ['api-orders', 'api-billing'],
      resource: 'https://orders.example.com/',
      scope: 'read',
      requestedTokenType: 'jwt',
    });
    expect(decodeJwt(token.value)).toMatchObject({
      sub: `default/${ref.userId}/default`,
      aud: ['api-billing', 'api-orders', 'https://orders.example.com/'],
      scope: 'read',
    });
    expect(token).toMatchObject({ tokenType: 'Bearer', scope: 'read' });
    expect(`${inspect({ token })}${JSON.stringify(token)}`).not.toContain(token.value);
  });

  it('asks the provider once, however many callers want the same', async () => {
    const ref = await someone();
    const many = async () => {
      const tokens = await Promise.all(Array.from({ length: 1000 }, () => exchange(ref)));
      expect(new Set([...tokens, await exchange(ref)].map(({ value }) => value)).size).toBe(1);
    };
    expect(await exchanges(many)).toBe(1);
  });

  it('stores nothing of the answer', async () => {
    const ref = await someone();
    const before = await replica.tokens.getTokens(ref);
    await exchange(ref);
    const after = await replica.tokens.getTokens(ref);
    expect(after?.refreshToken?.value).toBe(before?.refreshToken?.value);
    expect(after?.accessToken.value).toBe(before?.accessToken.value);
  });

  it('ends with the log-out, and with a new log-in begins anew', async () => {
    const ref = await someone();
    const before = await exchange(ref);
    await replica.tokens.revokeTokens(ref);
    await expect(exchange(ref)).rejects.toThrow(TokenNotFoundError);
    await login(replica, provider, ref);
    expect((await exchange(ref)).value).not.toBe(before.value);
  });

  it('begins anew although the row of before the log-out has been deleted', async () => {
    const ref = await someone();
    const before = await exchange(ref);
    await replica.dataSource.query(`DELETE FROM tokenward_tokens WHERE user_id = '${ref.userId}'`);
    await expect(exchange(ref)).rejects.toThrow(TokenNotFoundError);
    await login(replica, provider, ref);
    expect((await exchange(ref)).value).not.toBe(before.value);
  });

  it('hands out nothing when the user logs out during the exchange', async () => {
    const ref = await someone();
    const release = provider.faults.holdReply();
    const before = provider.requests('token_exchange');
    const waiting = Promise.allSettled([exchange(ref), exchange(ref)]);
    await expect.poll(() => provider.requests('token_exchange')).toBe(before + 1);
    await replica.tokens.revokeTokens(ref);
    release();
    for (const result of await waiting)
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(TokenNotFoundError) });
  });

  it('follows a refresh of the user with a new exchange', async () => {
    const ref = await someone();
    const before = await exchange(ref);
    await replica.tokens.refreshTokens(ref);
    const after = await exchange(ref);
    expect(after.value).not.toBe(before.value);
    expect((await exchange(ref)).value).toBe(after.value);
  });

  it("refreshes the user's token first when it has expired", async () => {
    const ref = await someone({ expires_in: 1 });
    const [stored] = await replica.tokens.listTokens(ref);
    await expect.poll(() => Date.now() > stored!.expiresAt!.getTime()).toBe(true);
    await expect(exchange(ref)).resolves.toBeDefined();
    expect((await replica.tokens.listTokens(ref))[0]!.generation).toBe(2);
  });

  it("never outlives the user's token", async () => {
    const ref = await someone({ expires_in: 60 });
    const [stored] = await replica.tokens.listTokens(ref);
    expect((await exchange(ref)).expiresAt).toEqual(stored!.expiresAt);
    const shorter = await someone({ expires_in: 3600 });
    const ends = (await replica.tokens.listTokens(shorter))[0]!.expiresAt!.getTime();
    expect((await exchange(shorter)).expiresAt!.getTime()).toBeLessThan(ends - 3_000_000);
  });

  it('is asked for again when it expires', async () => {
    provider.ttlSeconds = 2;
    const ref = await someone();
    const first = await exchange(ref);
    await expect.poll(async () => (await exchange(ref)).value).not.toBe(first.value);
  });

  it('without a lifetime has no expiry, and is still only asked for once in a while', async () => {
    provider.ttlSeconds = null;
    const ref = await someone();
    const twice = async () => {
      expect((await exchange(ref)).expiresAt).toBeNull();
      await exchange(ref);
    };
    expect(await exchanges(twice)).toBe(1);
  });

  it('says when only the user can help', async () => {
    const ref = await someone();
    await replica.dataSource.query(
      `UPDATE tokenward_tokens SET status = 'reauthorization_required' WHERE user_id = '${ref.userId}'`,
    );
    await expect(exchange(ref)).rejects.toThrow(ReauthorizationRequiredError);
  });
});

describe('exchangeToken, whatever the database', () => {
  let provider: GrantsProvider;
  let database: TestDatabase;
  let replica: Replica;

  beforeAll(async () => {
    provider = await startGrantsProvider();
    database = await createDatabase('sqlite');
    replica = await start(database, provider, { maxEntries: 10_000 });
  });
  afterEach(() => provider.faults.clear());
  afterAll(async () => {
    await replica.close();
    await database.drop();
    await provider.stop();
  });

  const someone = (more: Partial<TokenRef> = {}) =>
    login(replica, provider, { userId: `user-${++users}`, provider: PROVIDER, ...more });

  it.each([
    [{ audience: 'elsewhere' }, 'TARGET_REJECTED', 'invalid_target'],
    [{ resource: 'https://elsewhere.test/' }, 'TARGET_REJECTED', 'invalid_target'],
    [{ scope: 'delete' }, 'SCOPE_REJECTED', 'invalid_scope'],
  ])('says what the provider refuses about %j', async (options, code, reason) => {
    const ref = await someone();
    const error: unknown = await replica.tokens
      .exchangeToken(ref, options)
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, reason, provider: PROVIDER });
    const { accessToken } = (await replica.tokens.getTokens(ref))!;
    expect(inspect({ error, events: replica.events })).not.toContain(accessToken.value);
  });

  it("says when the provider does not accept the user's token", async () => {
    const foreign = await someone();
    await replica.tokens.storeTokens(foreign, { access_token: 'made-up', expires_in: 60 });
    await expect(replica.tokens.exchangeToken(foreign, {})).rejects.toMatchObject({
      code: 'REQUEST_REJECTED',
      reason: 'invalid_request',
    });
    provider.faults.fail(400, {}, { error: 'invalid_grant' });
    await expect(replica.tokens.exchangeToken(await someone(), {})).rejects.toMatchObject({
      code: 'SUBJECT_REJECTED',
      message: expect.stringContaining('refreshTokens()'),
    });
  });

  const TYPE = 'urn:ietf:params:oauth:token-type:';
  it.each([
    ['no type', {}],
    ['a refresh token', { issued_token_type: `${TYPE}refresh_token` }],
    ['a SAML assertion', { issued_token_type: `${TYPE}saml2` }],
    ['a JWT that was not asked for', { issued_token_type: `${TYPE}jwt` }],
    ['what is no access token', { issued_token_type: `${TYPE}access_token`, token_type: 'N_A' }],
    ['a type that is no text', { issued_token_type: 7 }],
  ])('hands out nothing when the answer is %s', async (_name, answer) => {
    provider.faults.fail(200, {}, { access_token: 'stranger', token_type: 'Bearer', ...answer });
    await expect(replica.tokens.exchangeToken(await someone(), {})).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
      reason: expect.stringContaining('response_invalid'),
    });
  });

  it('holds up only the user whose exchange has failed', async () => {
    const [failing, other] = [await someone(), await someone()];
    provider.faults.fail(502);
    await expect(replica.tokens.exchangeToken(failing, {})).rejects.toThrow('status 502');
    const before = provider.requests('token_exchange');
    await expect(replica.tokens.exchangeToken(failing, {})).rejects.toThrow('status 502');
    expect(provider.requests('token_exchange')).toBe(before);
    await expect(replica.tokens.exchangeToken(other, {})).resolves.toBeDefined();
  });

  it.each([
    ['userId', { userId: '' }, {}],
    ['provider', { provider: 'unknown' }, {}],
    ['options', {}, undefined],
    ['options.subject', {}, { subject: 'x' }],
    ['options.tenantId', {}, { tenantId: 'x' }],
    ['requestedTokenType', {}, { requestedTokenType: 'refresh_token' }],
    ['requestedTokenType', {}, { requestedTokenType: 'toString' }],
    ['resource', {}, { resource: 'orders' }],
    ['minTtlSeconds', {}, { minTtlSeconds: Number.NaN }],
  ])('refuses a wrong %s before it looks at anything (%j, %j)', async (field, change, options) => {
    const ref = { userId: 'nobody', provider: PROVIDER, ...change };
    const error: unknown = await replica.tokens
      .exchangeToken(ref, options as never)
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TokenInputError);
    expect(error).toMatchObject({ field });
  });

  it('never mixes users, tenants, accounts, audiences and scopes in 100,000 calls', async () => {
    const refs: TokenRef[] = [];
    for (const tenantId of ['one', 'two', 'three'])
      for (const userId of ['ada', 'bob', 'ada/bob', 'Ada', 'eve'])
        for (const account of ['default', 'work'])
          refs.push(await login(replica, provider, { tenantId, userId, account, provider: PROVIDER }));
    const audiences = [['api-a'], ['api-b'], ['api-a', 'api-b'], ['api-a api-b']];
    const scopes = ['read', 'write', 'read write'];
    const seen = new Map<string, string>();
    const before = provider.requests('token_exchange');
    let crossed = 0;
    for (let batch = 0; batch < 100; batch += 1) {
      const calls = Array.from({ length: 1000 }, async (_, call) => {
        // User, audience and scope take turns at their own pace, so that every tuple comes up in every other batch.
        const number = batch * 1000 + call;
        const ref = refs[number % refs.length]!;
        const audience = audiences[Math.floor(number / 30) % 4]!;
        const scope = scopes[Math.floor(number / 120) % 3]!;
        const token = await replica.tokens.exchangeToken(ref, { audience: audience.toReversed(), scope });
        const { sub, aud, scope: granted } = decodeJwt(token.value);
        const owner = [ref.tenantId, ref.userId, ref.account].join('/');
        const tuple = JSON.stringify([owner, audience, scope]);
        if (sub !== owner || JSON.stringify(aud) !== JSON.stringify(audience) || granted !== scope)
          crossed += 1;
        seen.set(tuple, token.value);
      });
      await Promise.all(calls);
    }
    expect(crossed).toBe(0);
    expect(seen.size).toBe(30 * 4 * 3);
    expect(new Set(seen.values()).size).toBe(seen.size);
    expect(provider.requests('token_exchange') - before).toBe(seen.size);
  });
});
