import {
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  ScopeNotGrantedError,
  TokenInputError,
  TokenNotFoundError,
  type TokenRef,
  type TokenResponse,
} from '@tokenward/nestjs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PROVIDER, providerOptions, type Replica, startReplica, tokenOptions } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { startProvider, type TestProvider } from '../support/provider.js';

let users = 0;

describeOnEachDatabase('TokenService', ({ createDatabase }) => {
  let provider: TestProvider;
  let database: TestDatabase;
  let replica: Replica;

  beforeAll(async () => {
    provider = await startProvider();
    database = await createDatabase();
    replica = await startReplica(
      database,
      tokenOptions(provider, {
        providers: { [PROVIDER]: providerOptions(provider), busy: providerOptions(provider) },
      }),
    );
  });
  afterAll(async () => {
    await replica.close();
    await database.drop();
    await provider.stop();
  });

  const someone = (): TokenRef & { userId: string } => ({ userId: `user-${++users}`, provider: PROVIDER });

  /** A user who has just logged in at the provider. */
  const login = async (overrides: Partial<TokenResponse> = {}, ref = someone()) => {
    const tokens: TokenResponse = { ...(await provider.mintTokens({ sub: ref.userId })), ...overrides };
    await replica.tokens.storeTokens(ref, tokens);
    return { ref, tokens };
  };

  const expired = async (ref: TokenRef): Promise<void> => {
    await expect
      .poll(async () => (await replica.tokens.listTokens(ref))[0]!.expiresAt!.getTime() < Date.now())
      .toBe(true);
  };

  it('gives back what was stored', async () => {
    const { ref, tokens } = await login();
    const stored = await replica.tokens.getTokens(ref);
    expect(stored?.accessToken.value).toBe(tokens.access_token);
    expect(stored?.refreshToken?.value).toBe(tokens.refresh_token);
    expect(stored?.idToken?.value).toBe(tokens.id_token);
    expect((await replica.tokens.getAccessToken(ref)).value).toBe(tokens.access_token);
  });

  it('tells what it has stored without secrets', async () => {
    const ref = someone();
    const stored = await replica.tokens.storeTokens(ref, {
      access_token: 'a',
      expires_in: 60,
      scope: 'read',
    });
    expect(stored).toMatchObject({
      ...ref,
      tenantId: 'default',
      account: 'default',
      status: 'active',
      generation: 1,
      scope: 'read',
      hasRefreshToken: false,
    });
    expect(stored.expiresAt!.getTime() - stored.refreshedAt.getTime()).toBe(60_000);
    expect(await replica.tokens.listTokens(ref)).toEqual([stored]);
  });

  it('knows nothing of other users, tenants, accounts and spellings', async () => {
    const { ref } = await login();
    const others: Partial<TokenRef>[] = [
      { userId: ref.userId.toUpperCase() },
      { userId: `${ref.userId}\u0301` },
      { tenantId: 'acme' },
      { account: 'work' },
    ];
    for (const other of others.map((change) => ({ ...ref, ...change }))) {
      expect(await replica.tokens.getTokens(other)).toBeNull();
      await expect(replica.tokens.getAccessToken(other)).rejects.toThrow(TokenNotFoundError);
      expect(await replica.tokens.listTokens(other)).toEqual([]);
    }
    expect(await replica.tokens.listTokens(ref)).toHaveLength(1);
  });

  it('keeps several accounts of one user apart', async () => {
    const ref = someone();
    await replica.tokens.storeTokens({ ...ref, account: 'work' }, { access_token: 'work' });
    await replica.tokens.storeTokens({ ...ref, account: 'home' }, { access_token: 'home' });
    expect((await replica.tokens.getAccessToken({ ...ref, account: 'home' })).value).toBe('home');
    expect(await replica.tokens.listTokens({ userId: ref.userId })).toHaveLength(2);
  });

  it('refreshes an expired token once, however many callers ask', async () => {
    const { ref, tokens } = await login({ expires_in: 1 });
    const before = provider.oracle.exchanges;
    await expired(ref);
    const answers = await Promise.all(Array.from({ length: 50 }, () => replica.tokens.getAccessToken(ref)));
    expect(new Set(answers.map((token) => token.value)).size).toBe(1);
    expect(answers[0]!.value).not.toBe(tokens.access_token);
    expect(provider.oracle.exchanges - before).toBe(1);
    expect(provider.oracle.reuses).toBe(0);
    expect((await replica.tokens.getTokens(ref))?.refreshToken?.value).not.toBe(tokens.refresh_token);
    expect((await replica.tokens.listTokens(ref))[0]).toMatchObject({ generation: 2, lastFailure: null });
  });

  it('hands out a token inside its refresh window at once and refreshes it in the background', async () => {
    const { ref, tokens } = await login({ expires_in: 3600 });
    await replica.dataSource.query(
      `UPDATE tokenward_tokens SET refresh_after = 0 WHERE user_id = '${ref.userId}'`,
    );
    expect((await replica.tokens.getAccessToken(ref)).value).toBe(tokens.access_token);
    await expect.poll(async () => (await replica.tokens.listTokens(ref))[0]!.generation).toBe(2);
  });

  it('stops a caller who gives up, not the refresh', async () => {
    const { ref } = await login();
    await expect(
      replica.tokens.getAccessToken(ref, { forceRefresh: true, signal: AbortSignal.abort() }),
    ).rejects.toThrow(/abort/i);
    const stop = new AbortController();
    const waiting = replica.tokens.getAccessToken(ref, { forceRefresh: true, signal: stop.signal });
    stop.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
    await expect.poll(async () => (await replica.tokens.listTokens(ref))[0]!.generation).toBeGreaterThan(1);
    await expect(replica.tokens.refreshTokens(ref)).resolves.toBeDefined();
    expect(provider.oracle.reuses).toBe(0);
  });

  it('does not refresh again for a refused token that has been replaced already', async () => {
    const { ref } = await login();
    const refused = await replica.tokens.getAccessToken(ref);
    const first = await replica.tokens.getAccessToken(ref, { forceRefresh: refused });
    const before = provider.oracle.exchanges;
    const second = await replica.tokens.getAccessToken(ref, { forceRefresh: refused });
    expect(second.value).toBe(first.value);
    expect(provider.oracle.exchanges).toBe(before);
  });

  it('keeps the refresh token of a live grant when a later log-in brings none', async () => {
    const { ref, tokens } = await login();
    await replica.tokens.storeTokens(ref, { access_token: 'second' });
    expect((await replica.tokens.getTokens(ref))?.refreshToken?.value).toBe(tokens.refresh_token);
  });

  it('says which scope is missing', async () => {
    const { ref } = await login();
    await expect(replica.tokens.getAccessToken(ref, { scope: 'openid mail.read' })).rejects.toThrow(
      ScopeNotGrantedError,
    );
    await expect(replica.tokens.getAccessToken(ref, { scope: 'openid mail.read' })).rejects.toMatchObject({
      missing: ['mail.read'],
    });
    await expect(replica.tokens.getAccessToken(ref, { scope: 'openid' })).resolves.toBeDefined();
  });

  it('sends the user to log in again when the provider refuses the grant, and keeps the row', async () => {
    const { ref, tokens } = await login();
    provider.faults.fail(400, {}, { error: 'invalid_grant' });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ReauthorizationRequiredError);
    await expect(replica.tokens.getAccessToken(ref)).rejects.toThrow(ReauthorizationRequiredError);
    expect((await replica.tokens.getTokens(ref))?.refreshToken?.value).toBe(tokens.refresh_token);
    await login({}, ref);
    await expect(replica.tokens.getAccessToken(ref)).resolves.toBeDefined();
  });

  it('sends the user to log in again when an expired token has no refresh token', async () => {
    const { ref } = await login({ expires_in: 1, refresh_token: null });
    await expired(ref);
    await expect(replica.tokens.getAccessToken(ref)).rejects.toThrow(ReauthorizationRequiredError);
  });

  it('leaves the session untouched by an outage and says when to try again', async () => {
    const { ref, tokens } = await login({}, { ...someone(), provider: 'busy' });
    provider.faults.fail(503, { 'retry-after': '7', 'content-type': 'text/html' }, '<h1>down</h1>');
    const error = await replica.tokens.refreshTokens(ref).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ProviderUnavailableError);
    expect((error as ProviderUnavailableError).retryAfter).toBeGreaterThanOrEqual(7);
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    expect((await replica.tokens.getAccessToken(ref)).value).toBe(tokens.access_token);
  });

  it('forgets revoked tokens at once and revokes them at the provider', async () => {
    const { ref, tokens } = await login();
    await replica.tokens.revokeTokens(ref);
    expect(await replica.tokens.getTokens(ref)).toBeNull();
    await expect(replica.tokens.getAccessToken(ref)).rejects.toThrow(TokenNotFoundError);
    expect((await replica.tokens.listTokens(ref))[0]).toMatchObject({
      status: 'revoked',
      hasRefreshToken: false,
      hasIdToken: false,
    });
    await replica.tokens.revokeTokens(ref);
    await replica.tokens.storeTokens(ref, { access_token: 'new', refresh_token: tokens.refresh_token! });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ReauthorizationRequiredError);
  });

  it('stores nothing of a token set with the ID token of another user', async () => {
    const { ref, tokens } = await login();
    const foreign = await provider.mintTokens({ sub: 'mallory' });
    await expect(replica.tokens.storeTokens(ref, foreign)).rejects.toMatchObject({
      code: 'ID_TOKEN_REJECTED',
    });
    expect((await replica.tokens.getTokens(ref))?.accessToken.value).toBe(tokens.access_token);
    expect((await replica.tokens.listTokens(ref))[0]!.generation).toBe(1);
  });

  it.each([undefined, null, 0, -1, Number.NaN, Infinity, 1e300, '0', 'soon', {}, true, 2 ** 53])(
    'stores a usable row for expires_in %s',
    async (expires_in) => {
      const ref = someone();
      await replica.tokens.storeTokens(ref, { access_token: 'opaque', expires_in: expires_in as never });
      expect((await replica.tokens.listTokens(ref))[0]!.expiresAt).toBeNull();
      expect((await replica.tokens.getAccessToken(ref)).value).toBe('opaque');
    },
  );

  it.each([
    { access_token: '' },
    { access_token: 'a\r\nb' },
    { access_token: 'a', refresh_token: 'b\0' },
    { access_token: 'a'.repeat(1_048_576) },
    { access_token: 5 },
  ])('refuses a malformed token response before anything is stored (%#)', async (tokens) => {
    const ref = someone();
    await expect(replica.tokens.storeTokens(ref, tokens as never)).rejects.toThrow(TokenInputError);
    expect(await replica.tokens.listTokens(ref)).toEqual([]);
  });

  it.each(['', 'x'.repeat(10_000), 'a\0b', ' ada', 'ada\n', '\ud800', 7, null])(
    'refuses a user id with a code (%#)',
    async (userId) => {
      await expect(
        replica.tokens.storeTokens({ userId: userId as string, provider: PROVIDER }, { access_token: 'a' }),
      ).rejects.toMatchObject({ code: 'TOKEN_REF_INVALID' });
    },
  );

  it.each([`o'neil"; DROP TABLE x; --`, '\u{1f98a}'.repeat(100), 'a\\b%_', 'ß'.repeat(255), '用户'])(
    'works for unusual user ids (%#)',
    async (userId) => {
      await replica.tokens.storeTokens({ userId, provider: PROVIDER }, { access_token: 'hers' });
      expect((await replica.tokens.getTokens({ userId, provider: PROVIDER }))?.accessToken.value).toBe(
        'hers',
      );
      expect((await replica.tokens.listTokens({ userId }))[0]!.userId).toBe(userId);
    },
  );

  it('stores the largest token and the longest ids that it takes', async () => {
    const ref = {
      userId: 'u'.repeat(255),
      tenantId: 't'.repeat(255),
      account: 'a'.repeat(255),
      provider: PROVIDER,
    };
    const access_token = 'x'.repeat(32_768);
    await replica.tokens.storeTokens(ref, { access_token, scope: 's'.repeat(4096) });
    expect((await replica.tokens.getAccessToken(ref)).value).toBe(access_token);
  });

  it('refuses an unknown provider and names the known ones', async () => {
    await expect(replica.tokens.getAccessToken({ userId: 'ada', provider: 'nope' })).rejects.toThrow(
      /"nope" is not configured; known: acme/,
    );
  });

  it('refuses to list everything by accident', async () => {
    await expect(replica.tokens.listTokens({})).rejects.toThrow(TokenInputError);
    await expect(replica.tokens.listTokens({ user: 'ada' } as never)).rejects.toThrow(
      /filter\.user: is not a field/,
    );
  });
});
