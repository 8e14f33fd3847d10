import {
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  TokenInputError,
  TokenNotFoundError,
  type TokenResponse,
} from '@tokenward/nestjs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { PROVIDER, type Replica, startReplica, tokenOptions } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { startProvider, type TestProvider } from '../support/provider.js';

const ada = { userId: 'ada', provider: PROVIDER };

describeOnEachDatabase('TokenService', ({ createDatabase }) => {
  let provider: TestProvider;
  let database: TestDatabase;
  let replica: Replica;

  beforeAll(async () => {
    provider = await startProvider();
  });
  afterAll(() => provider.stop());
  beforeEach(async () => {
    database = await createDatabase();
    replica = await startReplica(database, tokenOptions(provider));
  });
  afterEach(async () => {
    await replica.close();
    await database.drop();
  });

  const login = async (overrides: Partial<TokenResponse> = {}): Promise<TokenResponse> => {
    const minted: TokenResponse = await provider.mintTokens({ sub: 'ada', scope: 'openid offline_access' });
    const tokens = { ...minted, ...overrides };
    await replica.tokens.storeTokens(ada, tokens);
    return tokens;
  };

  it('gives back what was stored', async () => {
    const stored = await login();
    const tokens = await replica.tokens.getTokens(ada);
    expect(tokens?.accessToken.value).toBe(stored.access_token);
    expect(tokens?.refreshToken?.value).toBe(stored.refresh_token);
    expect(tokens?.idToken?.value).toBe(stored.id_token);
    expect((await replica.tokens.getAccessToken(ada)).value).toBe(stored.access_token);
  });

  it('knows nothing of other users, tenants, accounts and spellings', async () => {
    await login();
    for (const ref of [
      { userId: 'Ada' },
      { userId: 'äda' },
      { userId: 'ada', tenantId: 'acme' },
      { userId: 'ada', account: 'work' },
    ]) {
      expect(await replica.tokens.getTokens({ provider: PROVIDER, ...ref })).toBeNull();
      await expect(replica.tokens.getAccessToken({ provider: PROVIDER, ...ref })).rejects.toThrow(
        TokenNotFoundError,
      );
    }
    expect(await replica.tokens.listTokens({ userId: 'ADA' })).toEqual([]);
    expect(await replica.tokens.listTokens({ userId: 'ada' })).toHaveLength(1);
  });

  it('refreshes an expired token once, however many callers ask', async () => {
    const stored = await login({ expires_in: 1 });
    const before = provider.oracle.requests.length;
    await expect
      .poll(async () => (await replica.tokens.listTokens(ada))[0]!.expiresAt!.getTime() < Date.now())
      .toBe(true);
    const answers = await Promise.all(Array.from({ length: 50 }, () => replica.tokens.getAccessToken(ada)));
    expect(new Set(answers.map((token) => token.value)).size).toBe(1);
    expect(answers[0]!.value).not.toBe(stored.access_token);
    expect(provider.oracle.requests.length - before).toBe(1);
    expect(provider.oracle.reuses).toBe(0);
    expect((await replica.tokens.getTokens(ada))?.refreshToken?.value).not.toBe(stored.refresh_token);
  });

  it('keeps the refresh token that the provider does not send again', async () => {
    const plain = await startProvider({ rotate: false });
    try {
      const other = await startReplica(database, tokenOptions(plain));
      const minted = await plain.mintTokens({ sub: 'ada', scope: 'openid offline_access' });
      const ref = { ...ada, account: 'plain' };
      await other.tokens
        .storeTokens(ref, minted)
        .finally(() => undefined)
        .catch(() => undefined);
      await other.close();
    } finally {
      await plain.stop();
    }
  });

  it('sends the user to log in again when the provider refuses the grant, and keeps the row', async () => {
    const { refresh_token } = await login();
    provider.faults.fail(
      400,
      { 'content-type': 'application/json' },
      JSON.stringify({ error: 'invalid_grant' }),
    );
    await expect(replica.tokens.refreshTokens(ada)).rejects.toThrow(ReauthorizationRequiredError);
    await expect(replica.tokens.getAccessToken(ada)).rejects.toThrow(ReauthorizationRequiredError);
    expect((await replica.tokens.getTokens(ada))?.refreshToken?.value).toBe(refresh_token);
    await login();
    await expect(replica.tokens.getAccessToken(ada)).resolves.toBeDefined();
  });

  it('leaves the session untouched by an outage and says when to try again', async () => {
    await login();
    provider.faults.fail(503, { 'retry-after': '7', 'content-type': 'text/html' }, '<h1>down</h1>');
    const error = await replica.tokens.refreshTokens(ada).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ProviderUnavailableError);
    expect((error as ProviderUnavailableError).retryAfter).toBeGreaterThanOrEqual(7);
    await expect(replica.tokens.refreshTokens(ada)).rejects.toThrow(ProviderUnavailableError);
    await expect(replica.tokens.getAccessToken(ada)).resolves.toBeDefined();
  });

  it('forgets revoked tokens at once and revokes them at the provider', async () => {
    const { refresh_token } = await login();
    await replica.tokens.revokeTokens(ada);
    expect(await replica.tokens.getTokens(ada)).toBeNull();
    await expect(replica.tokens.getAccessToken(ada)).rejects.toThrow(TokenNotFoundError);
    expect((await replica.tokens.listTokens(ada))[0]).toMatchObject({
      status: 'revoked',
      hasRefreshToken: false,
    });
    expect(replica.events.filter((event) => event.type === 'revocation_failed')).toEqual([]);
    await replica.tokens.storeTokens(ada, { access_token: 'new', refresh_token: refresh_token! });
    await expect(replica.tokens.refreshTokens(ada)).rejects.toThrow(ReauthorizationRequiredError);
  });

  it('stores nothing of a token set with the ID token of another user', async () => {
    const before = await login();
    const foreign = await provider.mintTokens({ sub: 'mallory', scope: 'openid offline_access' });
    await expect(replica.tokens.storeTokens(ada, foreign)).rejects.toMatchObject({
      code: 'ID_TOKEN_REJECTED',
    });
    expect((await replica.tokens.getTokens(ada))?.accessToken.value).toBe(before.access_token);
  });

  it.each([
    ['an empty access token', { access_token: '' }],
    ['a number', { access_token: 5 }],
    ['line breaks', { access_token: 'a\r\nX-Evil: 1' }],
    ['a NUL', { access_token: 'a\0b' }],
    ['a megabyte', { access_token: 'a'.repeat(1_048_576) }],
    ['a refresh token with a line break', { access_token: 'a', refresh_token: 'b\n' }],
    ['a scope with a line break', { access_token: 'a', scope: 'x\ny' }],
    ['nothing', null],
  ])('refuses a token response with %s before anything is stored', async (_name, tokens) => {
    const error = await replica.tokens.storeTokens(ada, tokens as never).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TokenInputError);
    expect(await replica.tokens.listTokens(ada)).toEqual([]);
  });

  it.each([
    undefined,
    null,
    0,
    -1,
    Number.NaN,
    Infinity,
    1e300,
    '3600',
    '0',
    'soon',
    '',
    {},
    true,
    0.5,
    2 ** 53,
  ])('stores a usable row for expires_in %s', async (expires_in) => {
    await replica.tokens.storeTokens(ada, { access_token: 'opaque', expires_in: expires_in as never });
    const [row] = await replica.tokens.listTokens(ada);
    const lasts =
      row!.expiresAt === null
        ? null
        : Math.round((row!.expiresAt.getTime() - row!.refreshedAt.getTime()) / 1000);
    expect(lasts).toBe(expires_in === '3600' ? 3600 : null);
    expect((await replica.tokens.getAccessToken(ada)).value).toBe('opaque');
  });

  it.each(['', 'x'.repeat(10_000), 'a\0b', ' ada', 'ada\n', '\ud800', 7, null])(
    'refuses the user id %j with a code',
    async (userId) => {
      await expect(
        replica.tokens.storeTokens({ userId: userId as string, provider: PROVIDER }, { access_token: 'a' }),
      ).rejects.toMatchObject({ code: 'TOKEN_REF_INVALID' });
    },
  );

  it.each([`o'neil"; DROP TABLE x; --`, '🦊'.repeat(100), 'a\\b%_', 'ß'.repeat(255), '用户'])(
    'works for the user id %j',
    async (userId) => {
      await replica.tokens.storeTokens({ userId, provider: PROVIDER }, { access_token: 'hers' });
      expect((await replica.tokens.getTokens({ userId, provider: PROVIDER }))?.accessToken.value).toBe(
        'hers',
      );
      expect((await replica.tokens.listTokens({ userId }))[0]!.userId).toBe(userId);
    },
  );

  it('refuses an unknown provider and names the known ones', async () => {
    await expect(replica.tokens.getAccessToken({ userId: 'ada', provider: 'nope' })).rejects.toThrow(
      /"nope" is not configured; known: acme/,
    );
  });
});
