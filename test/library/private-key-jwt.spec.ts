import { type ClientKey, type ProviderOptions, type TokenRef } from '@tokenward/nestjs';
import { decodeJwt, decodeProtectedHeader, exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PROVIDER, type Replica, startReplica, tokenOptions } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { TokenEndpoint } from '../support/token-endpoint.js';

interface Pair {
  pem: string;
  jwk: JWK & { kty: string };
  publicJwk: JWK;
}

async function keyPair(alg: string, kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = (await exportJWK(privateKey)) as Pair['jwk'];
  return {
    pem: await exportPKCS8(privateKey),
    jwk: { ...jwk, kid, alg },
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
  };
}

let rsa: Pair;
let ec: Pair;
let ed: Pair;
let unknown: Pair;
let provider: TestProvider;
let endpoint: TokenEndpoint;
let database: TestDatabase;
const replicas: Replica[] = [];

beforeAll(async () => {
  [rsa, ec, ed, unknown] = await Promise.all([
    keyPair('RS256', 'of-rsa'),
    keyPair('ES256', 'of-ec'),
    keyPair('EdDSA', 'of-ed'),
    keyPair('ES256', 'not-registered'),
  ]);
  provider = await startProvider({ publicKeys: [rsa.publicJwk, ec.publicJwk, ed.publicJwk] });
  endpoint = await TokenEndpoint.start();
  database = await createDatabase('sqlite');
});
afterEach(async () => {
  for (const replica of replicas.splice(0)) await replica.close();
  endpoint.requests.length = 0;
});
afterAll(async () => {
  await database.drop();
  await endpoint.stop();
  await provider.stop();
});

async function start(options: Partial<ProviderOptions>): Promise<Replica> {
  const replica = await startReplica(
    database,
    tokenOptions(provider, {
      providers: {
        [PROVIDER]: {
          issuer: provider.issuer,
          clientId: provider.clientId,
          allowInsecureRequests: true,
          ...options,
        },
      },
      encryption: { keyring: KEYRING },
    }),
  );
  replicas.push(replica);
  return replica;
}
// The replicas of this file share one database.
const KEYRING = `1:${Buffer.alloc(32, 'a keyring for a test, 32 bytes..').toString('base64')}`;

let users = 0;
async function login(replica: Replica): Promise<TokenRef> {
  const ref = { userId: `user-${++users}`, provider: PROVIDER };
  await replica.tokens.storeTokens(ref, await provider.mintTokens({ sub: ref.userId }));
  return ref;
}

describe('A client that proves itself with a private key', () => {
  const kinds: [string, () => Partial<ProviderOptions>][] = [
    ['RSA in PEM', () => ({ clientKey: rsa.pem })],
    ['RSA as a JWK', () => ({ clientKey: rsa.jwk })],
    ['EC in PEM with its kid', () => ({ clientKey: { pem: ec.pem, kid: 'of-ec' } })],
    ['EC as a JWK', () => ({ clientKey: ec.jwk })],
    ['Ed25519 in PEM', () => ({ clientKey: ed.pem })],
    ['RS256 said twice', () => ({ clientKey: rsa.pem, clientKeyAlgorithm: 'RS256' as const })],
  ];

  it.each(kinds)('%s refreshes and revokes', async (_name, options) => {
    const replica = await start(options());
    const ref = await login(replica);
    await expect(replica.tokens.refreshTokens(ref)).resolves.toBeDefined();
    expect(provider.oracle.requests.at(-1)).toMatchObject({ outcome: 'ok' });
    const { length } = provider.oracle.revokedGrants;
    await replica.tokens.revokeTokens(ref);
    await expect.poll(() => provider.oracle.revokedGrants.length).toBe(length + 1);
    expect(replica.events).not.toContainEqual(expect.objectContaining({ type: 'revocation_failed' }));
  });

  it('tries the next key when one is not accepted, and remembers which one was', async () => {
    const clientKey: ClientKey[] = [unknown.jwk, { pem: ec.pem, kid: 'of-ec' }];
    const replica = await start({ clientKey });
    const refs = [await login(replica), await login(replica)];
    const seen = provider.oracle.requests.length;
    for (const ref of refs) await expect(replica.tokens.refreshTokens(ref)).resolves.toBeDefined();
    expect(provider.oracle.requests.slice(seen).map(({ outcome }) => outcome)).toEqual([
      'invalid_client',
      'ok',
      'ok',
    ]);
    expect(provider.oracle.reuses).toBe(0);
  });

  it('that the provider does not know loses no session', async () => {
    const replica = await start({ clientKey: unknown.pem });
    const ref = await login(replica);
    await expect(replica.tokens.refreshTokens(ref)).rejects.toThrow(/client_rejected: invalid_client/);
    expect((await replica.tokens.listTokens(ref))[0]).toMatchObject({ status: 'active', generation: 1 });
  });

  it('names itself, the provider and the key in an assertion that is used once', async () => {
    const replica = await start({
      clientKey: { pem: ec.pem, kid: 'of-ec' },
      issuer: undefined,
      tokenEndpoint: endpoint.url,
    });
    endpoint.reply(200, { access_token: 'next', token_type: 'bearer' });
    for (let refresh = 0; refresh < 2; refresh++) {
      const ref = { userId: `user-${++users}`, provider: PROVIDER };
      await replica.tokens.storeTokens(ref, { access_token: 'first', refresh_token: 'kept' });
      await replica.tokens.refreshTokens(ref);
    }
    const assertions = endpoint.requests.map(({ form }) => form.get('client_assertion')!);
    expect(decodeProtectedHeader(assertions[0]!)).toEqual({ alg: 'ES256', kid: 'of-ec' });
    const claims = assertions.map((assertion) => decodeJwt(assertion));
    // Without an issuer the token endpoint is the audience (RFC 7523 section 3).
    const { clientId } = provider;
    expect(claims[0]).toMatchObject({ iss: clientId, sub: clientId, aud: endpoint.url });
    expect(claims[0]!.jti).not.toBe(claims[1]!.jti);
    expect(endpoint.requests[0]).toMatchObject({ authorization: null });
    expect(endpoint.requests[0]!.form.get('client_secret')).toBeNull();
  });

  it('may choose among the algorithms of its key', async () => {
    const replica = await start({
      clientKey: rsa.pem,
      clientKeyAlgorithm: 'PS384',
      tokenEndpoint: endpoint.url,
      issuer: undefined,
    });
    endpoint.reply(200, { access_token: 'next', token_type: 'bearer' });
    const ref = { userId: `user-${++users}`, provider: PROVIDER };
    await replica.tokens.storeTokens(ref, { access_token: 'first', refresh_token: 'kept' });
    await replica.tokens.refreshTokens(ref);
    const assertion = endpoint.requests[0]!.form.get('client_assertion')!;
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'PS384' });
  });
});
