import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { type ProviderOptions, TokenHttpService, type TokenRef } from '@tokenward/nestjs';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { firstValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ok, type SeenRequest, startApi, type TestApi } from '../support/api.js';
import { freshKeyring, PROVIDER, type Replica, startReplica } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { type VerifiedProof, verifyProof } from '../support/dpop-verifier.js';
import { TokenEndpoint } from '../support/token-endpoint.js';

let users = 0;

// How requests are sent does not depend on the database.
describe('TokenHttpService with tokens that are bound to a key', () => {
  let endpoint: TokenEndpoint;
  let api: TestApi;
  let elsewhere: TestApi;
  let database: TestDatabase;
  let replica: Replica;
  let http: TokenHttpService;
  let jwk: JWK & { kty: string };
  let jkt: string;
  let ref: TokenRef;

  beforeAll(async () => {
    [endpoint, api, elsewhere, database] = await Promise.all([
      TokenEndpoint.start(),
      startApi(),
      startApi(),
      createDatabase('sqlite'),
    ]);
    const acme: ProviderOptions = {
      tokenEndpoint: endpoint.url,
      clientId: 'app',
      clientSecret: 'secret',
      apiOrigins: [api.origin],
      allowInsecureRequests: true,
      dpop: true,
    };
    replica = await startReplica(database, {
      providers: { [PROVIDER]: acme, unbound: { ...acme, dpop: false } },
      encryption: { keyring: freshKeyring() },
      refresh: { ahead: false },
      cleanup: false,
      revocation: false,
      rotation: false,
      cache: false,
    });
    http = replica.module.get(TokenHttpService);
  });
  beforeEach(async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    jwk = { ...(await exportJWK(privateKey)), kty: 'EC' };
    jkt = await calculateJwkThumbprint(jwk);
    ref = { userId: `user-${++users}`, provider: PROVIDER };
    await replica.tokens.storeTokens(ref, tokens(`access-of-${ref.userId}`), { dpopKey: jwk });
    endpoint.reply(200, tokens('refreshed'));
  });
  afterEach(() => {
    api.seen.length = elsewhere.seen.length = endpoint.requests.length = 0;
    api.answer = elsewhere.answer = ok;
  });
  afterAll(async () => {
    await replica.close();
    await database.drop();
    await Promise.all([endpoint.stop(), api.stop(), elsewhere.stop()]);
  });

  const tokens = (access_token: string) => ({
    access_token,
    refresh_token: `refresh-of-${access_token}`,
    token_type: 'DPoP',
    expires_in: 300,
  });
  const verify = (seen: SeenRequest, accessToken: string): Promise<VerifiedProof> => {
    expect(seen.authorization).toBe(`DPoP ${accessToken}`);
    return verifyProof(seen.headers['dpop'] as string, {
      method: seen.method,
      url: api.origin + seen.url.split('?')[0]!,
      accessToken,
    });
  };
  const get = (path = '/me', config: object = {}) =>
    firstValueFrom(http.as(ref).get(`${api.origin}${path}`, config));
  const failure = async (work: Promise<unknown>): Promise<Error> =>
    work.then(
      () => expect.unreachable('it should have failed'),
      (error: Error) => error,
    );
  const challenge = (n: number, error = 'use_dpop_nonce') => ({
    'www-authenticate': `DPoP error="${error}", algs="ES256"`,
    'dpop-nonce': `nonce-${n}`,
  });

  it('sends a proof for this request with this token, signed with the key of the log-in', async () => {
    await get('/me?a=1#fragment');
    await firstValueFrom(http.as(ref).post(`${api.origin}/things`, { a: 1 }));
    const proofs = await Promise.all(api.seen.map((seen) => verify(seen, `access-of-${ref.userId}`)));
    expect(proofs.map((proof) => proof.jkt)).toEqual([jkt, jkt]);
    expect(new Set(proofs.map(({ jti }) => jti)).size).toBe(2);
    expect(api.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /me?a=1', 'POST /things']);
  });

  it('repeats a request once with the nonce that the API wants, and begins the next one with it', async () => {
    api.answer = ({ headers }, response) => {
      const { nonce } = JSON.parse(
        Buffer.from((headers['dpop'] as string).split('.')[1]!, 'base64url').toString(),
      ) as { nonce?: string };
      if (nonce === 'nonce-1') ok(api.seen.at(-1)!, response);
      else response.writeHead(401, challenge(1)).end();
    };
    const answer = await firstValueFrom(http.as(ref).post(`${api.origin}/things`, { name: 'thing' }));
    expect(answer.status).toBe(200);
    expect(api.seen.map(({ body }) => body)).toEqual(Array(2).fill('{"name":"thing"}'));
    expect((await verify(api.seen[1]!, `access-of-${ref.userId}`)).nonce).toBe('nonce-1');
    await get();
    expect(api.seen).toHaveLength(3);
    expect(endpoint.requests).toHaveLength(0);
  });

  it.each([
    ['', {}],
    [' also for callers who read the status themselves', { validateStatus: () => true }],
  ])('makes two requests a call, and no refresh, where no nonce is ever right%s', async (_, config) => {
    let nonces = 1;
    api.answer = (_request, response) => void response.writeHead(401, challenge(++nonces)).end();
    for (let call = 1; call <= 3; call++) {
      const end = await get('/me', config).catch((error: unknown) => error);
      expect(end).toMatchObject({ status: 401 });
      expect(api.seen).toHaveLength(2 * call);
    }
    expect(endpoint.requests).toHaveLength(0);
  });

  it('learns a nonce from every answer', async () => {
    for (const status of [200, 403, 500]) {
      api.answer = (_request, response) => void response.writeHead(status, challenge(status, 'other')).end();
      await get().catch(() => undefined);
      api.answer = ok;
      await get();
      const { nonce } = await verify(api.seen.at(-1)!, `access-of-${ref.userId}`);
      expect(nonce).toBe(`nonce-${status}`);
    }
  });

  it('refreshes after a 401 about the token, and proves the new one', async () => {
    api.answer = (request, response) =>
      request.authorization === 'DPoP refreshed'
        ? ok(request, response)
        : response.writeHead(401, challenge(1, 'invalid_token')).end();
    await get();
    expect(api.seen).toHaveLength(2);
    await expect(verify(api.seen[1]!, 'refreshed')).resolves.toMatchObject({ jkt, nonce: 'nonce-1' });
    expect(endpoint.requests).toHaveLength(1);
  });

  it('gets by with three requests where the API wants a nonce first and then another token', async () => {
    api.answer = (request, response) => {
      if (request.authorization === 'DPoP refreshed') ok(request, response);
      else response.writeHead(401, challenge(1, api.seen.length === 1 ? undefined : 'invalid_token')).end();
    };
    await get();
    expect(api.seen).toHaveLength(3);
  });

  it('does not repeat a body that can be read only once', async () => {
    api.answer = (_request, response) => void response.writeHead(401, challenge(1)).end();
    const post = firstValueFrom(http.as(ref).post(`${api.origin}/me`, Readable.from(['once'])));
    expect(await failure(post)).toMatchObject({ status: 401 });
    expect(api.seen).toHaveLength(1);
  });

  it.each([301, 302, 303, 307, 308])(
    'lets no proof follow a redirect (%i) to another origin',
    async (status) => {
      api.answer = (_request, response) =>
        void response.writeHead(status, { location: `${elsewhere.origin}/me` }).end();
      expect(await failure(get())).toMatchObject({ code: 'API_REDIRECT_REFUSED' });
      expect(elsewhere.seen).toEqual([]);
    },
  );

  it.each([301, 303, 307])('makes a new proof for a redirect (%i) within the origin', async (status) => {
    api.answer = (request, response) =>
      request.url === '/from'
        ? response.writeHead(status, { location: '/to?a=1', 'dpop-nonce': `at-${status}` }).end()
        : ok(request, response);
    await firstValueFrom(http.as(ref).post(`${api.origin}/from`, { a: 1 }));
    const [from, to] = await Promise.all(api.seen.map((seen) => verify(seen, `access-of-${ref.userId}`)));
    expect(api.seen[1]).toMatchObject({ url: '/to?a=1', method: status === 307 ? 'POST' : 'GET' });
    expect(to!.nonce).toBe(`at-${status}`);
    expect(to!.jti).not.toBe(from!.jti);
  });

  it('shows neither token nor proof nor key in responses and errors', async () => {
    const response = await get();
    api.answer = (_request, answer) => void answer.writeHead(500).end();
    const error = await failure(get());
    const proofs = api.seen.map(({ headers }) => headers['dpop'] as string);
    for (const shown of [response, error].map((one) => inspect(one, { depth: 8, showHidden: true })))
      for (const secret of [`access-of-${ref.userId}`, jwk.d!, ...proofs])
        expect(shown).not.toContain(secret);
  });

  it('does not send a bound token as if it were not: without its key the call fails', async () => {
    const unbound = { ...ref, provider: 'unbound' };
    await replica.tokens.storeTokens(unbound, tokens('without-key'));
    expect(await failure(firstValueFrom(http.as(unbound).get(`${api.origin}/me`)))).toMatchObject({
      code: 'TOKEN_TYPE_UNSUPPORTED',
    });
    expect(api.seen).toEqual([]);
  });
});
