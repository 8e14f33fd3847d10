import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashOf, startProvider, type MintedTokens, type TestProvider } from './provider.js';

describe('the test provider', () => {
  let provider: TestProvider;
  let tokens: MintedTokens;

  beforeEach(async () => {
    provider = await startProvider();
    tokens = await provider.mintTokens({ sub: 'ada' });
  });
  afterEach(() => provider.stop());

  const refresh = (refreshToken: string, at: TestProvider = provider): Promise<Response> =>
    fetch(`${at.issuer}/token`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        authorization: `Basic ${Buffer.from(`${at.clientId}:${at.clientSecret}`).toString('base64')}`,
      },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
    });
  const callApi = (accessToken: string): Promise<Response> =>
    fetch(`${provider.apiOrigin}/me`, { headers: { authorization: `Bearer ${accessToken}` } });

  it('mints tokens that its API accepts', async () => {
    const answer = await callApi(tokens.access_token);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ sub: 'ada', scope: 'openid offline_access api' });
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 300 });
  });

  it('tells an API call without a good token how to authenticate', async () => {
    const answer = await callApi('made-up');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
  });

  it('rotates the refresh token at every use', async () => {
    const first = (await (await refresh(tokens.refresh_token)).json()) as MintedTokens;
    const second = (await (await refresh(first.refresh_token)).json()) as MintedTokens;
    expect(new Set([tokens, first, second].map((set) => set.refresh_token)).size).toBe(3);
    expect(second.id_token).toMatch(/^eyJ/);
    expect(provider.oracle.exchanges).toBe(2);
    expect(provider.oracle.requests[0]).toEqual({
      grantType: 'refresh_token',
      refreshTokenHash: hashOf(tokens.refresh_token),
      outcome: 'ok',
    });
  });

  it('ends the whole grant when a refresh token is used twice, even at once', async () => {
    const answers = await Promise.all([refresh(tokens.refresh_token), refresh(tokens.refresh_token)]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400]);
    const winner = answers.find(({ status }) => status === 200)!;
    const { access_token: accessToken } = (await winner.json()) as MintedTokens;
    expect((await callApi(accessToken)).status).toBe(401);
    expect(provider.oracle.reuses).toBe(1);
    expect(provider.oracle.revokedGrants).toHaveLength(1);
  });

  it('keeps the refresh token when it does not rotate', async () => {
    const plain = await startProvider({ rotate: false, accessTokenTtlSeconds: 5 });
    const minted = await plain.mintTokens({ sub: 'ada' });
    const answers = [await refresh(minted.refresh_token, plain), await refresh(minted.refresh_token, plain)];
    const refreshed = (await Promise.all(answers.map((answer) => answer.json()))) as MintedTokens[];
    await plain.stop();
    expect(refreshed.map((set) => set.refresh_token)).toEqual([minted.refresh_token, minted.refresh_token]);
    expect(refreshed.map((set) => set.expires_in)).toEqual([5, 5]);
    expect(plain.oracle.reuses).toBe(0);
  });

  it('fails as asked, then behaves again', async () => {
    provider.faults.fail(503, { 'retry-after': '7' }, { error: 'temporarily_unavailable' });
    provider.faults.redirect('http://localhost:9/');
    const unavailable = await refresh(tokens.refresh_token);
    expect([unavailable.status, unavailable.headers.get('retry-after')]).toEqual([503, '7']);
    expect((await refresh(tokens.refresh_token)).status).toBe(307);
    expect((await refresh(tokens.refresh_token)).status).toBe(200);
    expect(provider.oracle.requests.map(({ outcome }) => outcome)).toEqual(['fail 503', 'fail 307', 'ok']);
    expect(provider.oracle.reuses).toBe(0);
  });

  it('loses a reply after the refresh token was used up', async () => {
    provider.faults.dropReplyAfterProcessing();
    await expect(refresh(tokens.refresh_token)).rejects.toThrow('fetch failed');
    expect(provider.oracle.exchanges).toBe(1);
    expect((await refresh(tokens.refresh_token)).status).toBe(400);
    expect(provider.oracle.reuses).toBe(1);
  });

  it('hangs until it is stopped', async () => {
    provider.faults.hang();
    const pending = refresh(tokens.refresh_token);
    await expect.poll(() => provider.oracle.requests.map(({ outcome }) => outcome)).toEqual(['hang']);
    await Promise.all([expect(pending).rejects.toThrow('fetch failed'), provider.stop()]);
  });
});
