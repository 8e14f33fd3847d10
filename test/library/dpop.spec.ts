import { inspect } from 'node:util';
import {
  ProviderStateEntity,
  DataKeyEntity,
  type ProviderOptions,
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  TokenEntity,
  TokenInputError,
  type TokenModuleOptions,
  type TokenRef,
} from '@tokenward/nestjs';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { randomDPoPKeyPair } from 'openid-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica } from '../support/app.js';
import { createDatabase, describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { type DpopClient, type DpopProvider, startDpopProvider } from '../support/dpop-provider.js';
import { verifyProof } from '../support/dpop-verifier.js';
import { TokenEndpoint } from '../support/token-endpoint.js';

type PrivateJwk = JWK & { kty: string };

const keyring = freshKeyring();
let provider: DpopProvider;
let clientKey: PrivateJwk;
let users = 0;

beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  clientKey = { ...(await exportJWK(privateKey)), kty: 'EC', kid: 'client', alg: 'ES256' };
  provider = await startDpopProvider({
    ...(await exportJWK(publicKey)),
    kid: 'client',
    alg: 'ES256',
    use: 'sig',
  });
});
afterEach(() => {
  provider.requireNonce = false;
});
afterAll(() => provider.stop());

const registered = (client: DpopClient): ProviderOptions => ({
  issuer: provider.issuer,
  clientId: client,
  ...(client === 'confidential' && { clientSecret: provider.clientSecret }),
  ...(client === 'signing' && { clientKey }),
  allowInsecureRequests: true,
  dpop: true,
});

const options = (acme: ProviderOptions): TokenModuleOptions => ({
  providers: { [PROVIDER]: acme },
  encryption: { keyring },
  refresh: { ahead: false },
  cleanup: false,
  revocation: false,
  rotation: false,
  cache: false,
});

async function newKey(): Promise<{ jwk: PrivateJwk; jkt: string }> {
  const { privateKey } = await randomDPoPKeyPair('ES256', { extractable: true });
  const jwk = (await exportJWK(privateKey)) as PrivateJwk;
  return { jwk, jkt: await calculateJwkThumbprint(jwk) };
}

const newRef = (): TokenRef => ({ userId: `user-${++users}`, provider: PROVIDER });
const boundTo = async (accessToken: string): Promise<unknown> => (await provider.introspect(accessToken)).cnf;

describeOnEachDatabase('The key that a row of tokens is bound to', ({ createDatabase: create }) => {
  let database: TestDatabase;
  let replica: Replica;

  beforeAll(async () => {
    database = await create();
    replica = await startReplica(database, options(registered('public')));
  });
  afterAll(async () => {
    await replica.close();
    await database.drop();
  });

  const logIn = async (key?: { jwk: PrivateJwk; jkt: string }) => {
    const { jwk, jkt } = key ?? (await newKey());
    const ref = newRef();
    await replica.tokens.storeTokens(ref, await provider.mintTokens('public', { sub: ref.userId, jkt }), {
      dpopKey: jwk,
    });
    return { ref, jwk, jkt };
  };
  const rowOf = ({ userId }: TokenRef, from = replica) =>
    from.dataSource.getRepository(TokenEntity).findOneByOrFail({ userId });

  it('is proven with every refresh', async () => {
    const { ref, jkt } = await logIn();
    for (let refresh = 0; refresh < 3; refresh++) {
      const token = await replica.tokens.refreshTokens(ref);
      expect(token.tokenType).toBe('DPoP');
      expect(await boundTo(token.value)).toEqual({ jkt });
    }
  });

  it('is needed: with another one the provider refuses, and the user has to log in again', async () => {
    const ref = newRef();
    const tokens = await provider.mintTokens('public', { sub: ref.userId, jkt: (await newKey()).jkt });
    await replica.tokens.storeTokens(ref, tokens, { dpopKey: (await newKey()).jwk });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ReauthorizationRequiredError);
  });

  it('moves to the new data key with its tokens, and outlives the process', async () => {
    const { ref, jkt } = await logIn();
    const before = await rowOf(ref);
    await replica.keys.rotate();
    await replica.maintenance.reencrypt();
    const after = await rowOf(ref);
    expect(after.keyId).not.toBe(before.keyId);
    expect(after.dpopCt!.slice(8, 30)).toBe(after.keyId);
    const { id } = await replica.dataSource
      .getRepository(DataKeyEntity)
      .findOneByOrFail({ usableId: before.keyId! });
    await replica.keys.retire(id);
    const next = await startReplica(database, options(registered('public')));
    try {
      expect(await boundTo((await next.tokens.refreshTokens(ref)).value)).toEqual({ jkt });
    } finally {
      await next.close();
    }
  });

  it('is in nothing that the database holds', async () => {
    const { ref, jwk } = await logIn();
    await replica.tokens.refreshTokens(ref);
    const row = await rowOf(ref);
    expect(row.dpopCt).toMatch(/^tm1\./);
    const dump = await Promise.all(
      replica.dataSource.entityMetadatas.map(({ target }) => replica.dataSource.getRepository(target).find()),
    );
    const text = JSON.stringify(dump) + inspect(replica.events, { depth: Infinity });
    for (const form of [jwk.d!, Buffer.from(jwk.d!, 'base64url').toString('hex'), btoa(jwk.d!)])
      expect(text).not.toContain(form);
  });

  it('does not open in another row or column', async () => {
    const [one, other] = [await logIn(), await logIn()];
    const { dpopCt, refreshCt } = await rowOf(one.ref);
    const rows = replica.dataSource.getRepository(TokenEntity);
    for (const moved of [dpopCt, refreshCt]) {
      await rows.update({ userId: other.ref.userId }, { dpopCt: moved });
      await expect(replica.tokens.getAccessToken(other.ref)).rejects.toMatchObject({
        code: 'DECRYPTION_FAILED',
      });
    }
  });

  it('keeps re-encryption from losing it: a row whose key does not open is left as it is', async () => {
    const { ref } = await logIn();
    const { dpopCt } = await rowOf(ref);
    const broken = `${dpopCt!.slice(0, -2)}${dpopCt!.endsWith('AA') ? 'QQ' : 'AA'}`;
    const rows = replica.dataSource.getRepository(TokenEntity);
    await rows.update({ userId: ref.userId }, { dpopCt: broken });
    await replica.keys.rotate();
    await replica.maintenance.reencrypt();
    expect(await rowOf(ref)).toMatchObject({ dpopCt: broken, quarantinedAs: 'AUTH_FAILED' });
    await replica.tokens.revokeTokens(ref);
  });

  it('is erased by a log-out', async () => {
    const { ref } = await logIn();
    await replica.tokens.revokeTokens(ref);
    expect(await rowOf(ref)).toMatchObject({ status: 'revoked', dpopCt: null, keyId: null });
  });

  it('is erased when the tenant is shredded', async () => {
    const { jwk, jkt } = await newKey();
    const ref = { ...newRef(), tenantId: 'shredded' };
    const tokens = await provider.mintTokens('public', { sub: ref.userId, jkt });
    await replica.tokens.storeTokens(ref, tokens, { dpopKey: jwk });
    await replica.keys.shredTenant('shredded');
    expect(await rowOf(ref)).toMatchObject({ dpopCt: null, keyId: null });
  });

  it('is replaced by that of a new log-in', async () => {
    const { ref } = await logIn();
    const { jwk, jkt } = await newKey();
    const tokens = await provider.mintTokens('public', { sub: ref.userId, jkt });
    await replica.tokens.storeTokens(ref, tokens, { dpopKey: jwk });
    expect(await boundTo((await replica.tokens.refreshTokens(ref)).value)).toEqual({ jkt });
  });

  it('lets nobody store it under another data key than its tokens, or alone', async () => {
    const { ref } = await logIn();
    const { dpopCt } = await rowOf(ref);
    const rows = replica.dataSource.getRepository(TokenEntity);
    const other = `${dpopCt!.slice(0, 8)}${'A'.repeat(22)}${dpopCt!.slice(30)}`;
    for (const cells of [{ dpopCt: other }, { accessCt: null, refreshCt: null, idCt: null }])
      await expect(rows.update({ userId: ref.userId }, cells)).rejects.toThrow(/check|constraint/i);
  });
});

describe('DPoP at the token endpoint', () => {
  let database: TestDatabase;
  let endpoint: TokenEndpoint;
  const replicas: Replica[] = [];

  beforeAll(async () => {
    database = await createDatabase('sqlite');
    endpoint = await TokenEndpoint.start();
  });
  afterEach(async () => {
    for (const replica of replicas.splice(0)) await replica.close();
    endpoint.requests.length = 0;
  });
  afterAll(async () => {
    await database.drop();
    await endpoint.stop();
  });

  const start = async (acme: ProviderOptions): Promise<Replica> => {
    const replica = await startReplica(database, options(acme));
    replicas.push(replica);
    // What an earlier test has made of the provider.
    await replica.dataSource.getRepository(ProviderStateEntity).clear();
    return replica;
  };
  const atEndpoint = (more: Partial<ProviderOptions> = {}): ProviderOptions => ({
    tokenEndpoint: endpoint.url,
    clientId: 'app',
    clientSecret: 'secret',
    allowInsecureRequests: true,
    dpop: true,
    ...more,
  });
  const proofs = () => endpoint.requests.map(({ dpop }) => dpop);
  const token = (n: number, token_type = 'DPoP') => ({
    access_token: `access-${n}`,
    refresh_token: `refresh-${n}`,
    token_type,
    expires_in: 300,
  });

  it.each<[string, DpopClient]>([
    ['a public client', 'public'],
    ['a client with a secret', 'confidential'],
    ['a client that signs', 'signing'],
  ])(
    'gives the provider the nonce that it wants, for %s, without using a refresh token twice',
    async (_, client) => {
      const replica = await start(registered(client));
      const { jwk, jkt } = await newKey();
      const ref = newRef();
      const tokens = await provider.mintTokens(client, { sub: ref.userId, jkt });
      await replica.tokens.storeTokens(ref, tokens, { dpopKey: jwk });
      provider.requireNonce = true;
      const refreshed = await replica.tokens.refreshTokens(ref);
      expect(await boundTo(refreshed.value)).toEqual({ jkt });
      expect(provider.oracle.presentations(tokens.refresh_token).map(({ outcome }) => outcome)).toEqual([
        'use_dpop_nonce',
        'ok',
      ]);
      const seen = provider.oracle.requests.length;
      await replica.tokens.refreshTokens(ref);
      expect(provider.oracle.requests.length - seen).toBe(1);
      expect(provider.oracle.reuses).toBe(0);
    },
  );

  it('binds the tokens of a client with a secret from the first refresh on, and stays with that key', async () => {
    const replica = await start(registered('confidential'));
    const ref = newRef();
    await replica.tokens.storeTokens(ref, await provider.mintTokens('confidential', { sub: ref.userId }));
    expect((await replica.tokens.getAccessToken(ref)).tokenType).toBe('Bearer');
    const first = await boundTo((await replica.tokens.refreshTokens(ref)).value);
    expect(first).toEqual({ jkt: expect.any(String) });
    const next = await start(registered('confidential'));
    expect(await boundTo((await next.tokens.refreshTokens(ref)).value)).toEqual(first);
  });

  it('makes two requests a call where the nonce changes with every request', async () => {
    const replica = await start(atEndpoint());
    const ref = newRef();
    await replica.tokens.storeTokens(ref, token(0), { dpopKey: (await newKey()).jwk });
    let wanted = 'nonce-0';
    endpoint.answer((response, { dpop, form }) => {
      const { nonce } = JSON.parse(Buffer.from(dpop!.split('.')[1]!, 'base64url').toString()) as {
        nonce?: string;
      };
      const right = nonce === wanted;
      wanted = `nonce-${endpoint.requests.length}`;
      // Told with refusals only: what a success was proven with is of no use any more.
      response.writeHead(right ? 200 : 400, {
        'content-type': 'application/json',
        ...(!right && { 'dpop-nonce': wanted }),
      });
      const n = Number(form.get('refresh_token')!.slice('refresh-'.length));
      response.end(JSON.stringify(right ? token(n + 1) : { error: 'use_dpop_nonce' }));
    });
    for (let call = 1; call <= 5; call++) {
      expect((await replica.tokens.refreshTokens(ref)).value).toBe(`access-${call}`);
      expect(endpoint.requests).toHaveLength(2 * call);
    }
  });

  it('lets no call take the nonce that another one is to repeat its request with', async () => {
    const replica = await start(atEndpoint());
    const unused = new Set<string>();
    endpoint.answer((response, { dpop }) => {
      const { nonce } = JSON.parse(Buffer.from(dpop!.split('.')[1]!, 'base64url').toString()) as {
        nonce?: string;
      };
      const right = unused.delete(String(nonce));
      const next = `nonce-${endpoint.requests.length}`;
      if (!right) unused.add(next);
      response.writeHead(right ? 200 : 401, {
        'content-type': 'application/json',
        ...(!right && { 'dpop-nonce': next }),
      });
      response.end(JSON.stringify(right ? token(1) : { error: 'use_dpop_nonce' }));
    });
    const refs = Array.from({ length: 20 }, newRef);
    const { jwk } = await newKey();
    for (const ref of refs) await replica.tokens.storeTokens(ref, token(0), { dpopKey: jwk });
    const refreshed = await Promise.all(refs.map((ref) => replica.tokens.refreshTokens(ref)));
    expect(refreshed.map(({ value }) => value)).toEqual(refs.map(() => 'access-1'));
    expect(endpoint.requests.length).toBeLessThanOrEqual(40);
  });

  it.each([400, 401])('gives up after two requests where no nonce is ever right (%i)', async (status) => {
    const replica = await start(atEndpoint({ clientSecret: ['one', 'two', 'three'] }));
    const ref = newRef();
    await replica.tokens.storeTokens(ref, token(0), { dpopKey: (await newKey()).jwk });
    endpoint.answer((response) => {
      response.writeHead(status, {
        'content-type': 'application/json',
        'dpop-nonce': `nonce-${endpoint.requests.length}`,
      });
      response.end('{"error":"use_dpop_nonce"}');
    });
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    expect(endpoint.requests).toHaveLength(2);
    expect(await replica.tokens.listTokens({ userId: ref.userId })).toMatchObject([
      { status: 'active', lastFailure: 'unavailable' },
    ]);
  });

  it.each([
    ['without a nonce', { error: 'use_dpop_nonce' }, {}],
    ['with a nonce that is none', { error: 'use_dpop_nonce' }, { 'dpop-nonce': 'two words' }],
    ['of the proof', { error: 'invalid_dpop_proof' }, { 'dpop-nonce': 'nonce' }],
  ])('does not repeat after a refusal %s, nor with another secret', async (_, body, headers) => {
    const replica = await start(atEndpoint({ clientSecret: ['one', 'two'] }));
    const ref = newRef();
    await replica.tokens.storeTokens(ref, token(0), { dpopKey: (await newKey()).jwk });
    endpoint.reply(400, body, headers);
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    expect(endpoint.requests).toHaveLength(1);
    expect(await replica.tokens.listTokens({ userId: ref.userId })).toMatchObject([{ status: 'active' }]);
  });

  it('sends each request with a proof of its own, for this endpoint', async () => {
    const replica = await start(atEndpoint());
    const { jwk, jkt } = await newKey();
    const ref = newRef();
    await replica.tokens.storeTokens(ref, token(0), { dpopKey: jwk });
    endpoint.reply(200, token(1), { 'dpop-nonce': 'the-next-nonce' });
    await replica.tokens.refreshTokens(ref);
    await replica.tokens.refreshTokens(ref);
    const [one, two] = await Promise.all(
      proofs().map((proof) => verifyProof(proof, { method: 'POST', url: endpoint.url })),
    );
    expect([one!.jkt, two!.jkt]).toEqual([jkt, jkt]);
    expect([one!.nonce, two!.nonce]).toEqual([null, 'the-next-nonce']);
    expect(one!.jti).not.toBe(two!.jti);
  });

  it('does not take a bearer token for a bound one, and loses no refresh token by it', async () => {
    const replica = await start(atEndpoint());
    const ref = newRef();
    await replica.tokens.storeTokens(ref, token(0), { dpopKey: (await newKey()).jwk });
    endpoint.reply(200, token(1, 'Bearer'));
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/response_invalid/);
    const stored = (await replica.tokens.getTokens(ref))!;
    expect([stored.accessToken.value, stored.refreshToken!.value]).toEqual(['access-0', 'refresh-1']);
  });

  it('goes on with the keys that there are when it is switched off', async () => {
    const { jwk, jkt } = await newKey();
    const ref = newRef();
    await (await start(atEndpoint())).tokens.storeTokens(ref, token(0), { dpopKey: jwk });
    const replica = await start(atEndpoint({ dpop: false }));
    endpoint.reply(200, token(1));
    await replica.tokens.refreshTokens(ref);
    await expect(verifyProof(proofs()[0], { method: 'POST', url: endpoint.url })).resolves.toMatchObject({
      jkt,
    });
  });

  it('sends no proof where nothing is bound', async () => {
    const replica = await start(atEndpoint({ dpop: false }));
    const ref = newRef();
    await replica.tokens.storeTokens(ref, token(0, 'Bearer'));
    endpoint.reply(200, token(1, 'Bearer'));
    await replica.tokens.refreshTokens(ref);
    expect(proofs()).toEqual([null]);
  });

  it('keeps the refresh token of an earlier log-in only where the new key can use it', async () => {
    const { refresh_token: _, ...short } = token(2);
    for (const [acme, kept] of [
      [atEndpoint(), 'refresh-0'],
      [registered('public'), undefined],
    ] as const) {
      const replica = await start(acme);
      const ref = newRef();
      await replica.tokens.storeTokens(ref, token(0), { dpopKey: (await newKey()).jwk });
      await replica.tokens.storeTokens(ref, short, { dpopKey: (await newKey()).jwk });
      expect((await replica.tokens.getTokens(ref))!.refreshToken?.value).toBe(kept);
    }
    const replica = await start(registered('public'));
    const { jwk } = await newKey();
    const ref = newRef();
    await replica.tokens.storeTokens(ref, token(0), { dpopKey: jwk });
    await replica.tokens.storeTokens(ref, short, { dpopKey: jwk });
    expect((await replica.tokens.getTokens(ref))!.refreshToken?.value).toBe('refresh-0');
  });

  const cases: [string, Partial<ProviderOptions>, object, unknown, object][] = [
    [
      'a public client without a key',
      { clientSecret: undefined },
      token(0, 'Bearer'),
      undefined,
      { code: 'DPOP_KEY_MISSING', field: 'options.dpopKey' },
    ],
    [
      'a bound token without a key',
      {},
      token(0),
      undefined,
      { code: 'DPOP_KEY_MISSING', field: 'options.dpopKey' },
    ],
    [
      'a bound token without a key, in small letters',
      {},
      token(0, 'dpop'),
      undefined,
      { code: 'DPOP_KEY_MISSING' },
    ],
    [
      'a key that is none',
      {},
      token(0),
      { kty: 'EC' },
      { code: 'DPOP_KEY_INVALID', field: 'options.dpopKey' },
    ],
    [
      'a key with a bearer token',
      {},
      token(0, 'Bearer'),
      'key',
      { code: 'DPOP_NOT_BOUND', field: 'token_type' },
    ],
    [
      'a key where dpop is off',
      { dpop: false },
      token(0),
      'key',
      { code: 'INPUT_INVALID', field: 'options.dpopKey' },
    ],
  ];
  it.each(cases)('refuses to store %s', async (_, more, tokens, given, expected) => {
    const replica = await start(atEndpoint(more));
    const ref = newRef();
    const { jwk } = await newKey();
    const error: unknown = await replica.tokens
      .storeTokens(
        ref,
        tokens as never,
        given === undefined ? {} : { dpopKey: given === 'key' ? jwk : (given as PrivateJwk) },
      )
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TokenInputError);
    expect(error).toMatchObject(expected);
    expect(inspect(error, { depth: Infinity })).not.toContain(jwk.d);
    expect(await replica.tokens.getTokens(ref)).toBeNull();
  });

  it('refuses an option that is none', async () => {
    const replica = await start(atEndpoint());
    await expect(
      replica.tokens.storeTokens(newRef(), token(0), { dpopkey: {} } as never),
    ).rejects.toMatchObject({ field: 'options.dpopkey' });
  });

  it('binds client tokens to one key of the process, which proves them', async () => {
    const replica = await start(registered('confidential'));
    provider.requireNonce = true;
    const one = await replica.tokens.getClientToken(PROVIDER);
    const two = await replica.tokens.getClientToken(PROVIDER, { tenantId: 'other' });
    expect(one.tokenType).toBe('DPoP');
    expect(await replica.tokens.getClientToken(PROVIDER)).toBe(one);
    expect(await boundTo(two.value)).toEqual(await boundTo(one.value));
    const url = 'https://api.example.com/me';
    const proof = replica.tokens.dpopProof(one, { method: 'GET', url: `${url}?a=1#b` });
    const { jkt } = await verifyProof(proof, { method: 'GET', url, accessToken: one.value });
    expect(await boundTo(one.value)).toEqual({ jkt });
  });

  it('exchanges a token with a proof of the key that it is bound to', async () => {
    const replica = await start(atEndpoint());
    const { jwk, jkt } = await newKey();
    const ref = newRef();
    await replica.tokens.storeTokens(ref, token(0), { dpopKey: jwk });
    const issued = { ...token(1), issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
    endpoint.reply(200, issued);
    const exchanged = await replica.tokens.exchangeToken(ref, { audience: 'reports' });
    expect(exchanged).toMatchObject({ value: 'access-1', tokenType: 'DPoP' });
    await expect(verifyProof(proofs()[0], { method: 'POST', url: endpoint.url })).resolves.toMatchObject({
      jkt,
    });
    const url = 'https://reports.example.com/';
    const proof = replica.tokens.dpopProof(exchanged, {
      method: 'post',
      url: new URL(url),
      nonce: 'of-reports',
    });
    await expect(
      verifyProof(proof, { method: 'POST', url, accessToken: exchanged.value }),
    ).resolves.toMatchObject({ jkt, nonce: 'of-reports' });
  });

  it.each(['getClientToken', 'exchangeToken'] as const)('%s does not take a bearer token', async (method) => {
    const replica = await start(atEndpoint());
    const ref = newRef();
    await replica.tokens.storeTokens(ref, token(0), { dpopKey: (await newKey()).jwk });
    endpoint.reply(200, {
      ...token(1, 'Bearer'),
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    });
    await expect(
      method === 'getClientToken'
        ? replica.tokens.getClientToken(PROVIDER)
        : replica.tokens.exchangeToken(ref, { audience: 'reports' }),
    ).rejects.toThrow(/token_type is not DPoP/);
  });

  it('makes no proof for a bearer token, or for something that is no request', async () => {
    const replica = await start(atEndpoint());
    const [ref, bearer] = [newRef(), newRef()];
    await replica.tokens.storeTokens(ref, token(0), { dpopKey: (await newKey()).jwk });
    await replica.tokens.storeTokens(bearer, token(1, 'Bearer'));
    const bound = await replica.tokens.getAccessToken(ref);
    const right = { method: 'GET', url: 'https://api.example.com/' };
    for (const [given, request, field] of [
      [await replica.tokens.getAccessToken(bearer), right, 'token'],
      ['access-0', right, 'token'],
      [bound, { ...right, method: 'GET /' }, 'method'],
      [bound, { ...right, url: '/me' }, 'url'],
      [bound, { ...right, nonce: 'two words' }, 'nonce'],
      [bound, { ...right, htu: 'x' }, 'options.htu'],
    ] as const)
      expect(() => replica.tokens.dpopProof(given as never, request as never)).toThrow(
        expect.objectContaining({ field }) as Error,
      );
  });

  it('shows no key with the access token that it hands out', async () => {
    const replica = await start(atEndpoint());
    const { jwk } = await newKey();
    const ref = newRef();
    await replica.tokens.storeTokens(ref, token(0), { dpopKey: jwk });
    endpoint.reply(200, token(1));
    for (const found of [await replica.tokens.getAccessToken(ref), await replica.tokens.refreshTokens(ref)])
      for (const shown of [
        inspect(found, { depth: Infinity, showHidden: true }),
        JSON.stringify(found),
        inspect(Object.assign({}, found), { depth: Infinity, showHidden: true }),
        inspect(await replica.tokens.getTokens(ref), { depth: Infinity, showHidden: true }),
        inspect(replica.events, { depth: Infinity }),
      ])
        expect(shown).not.toContain(jwk.d);
  });
});
