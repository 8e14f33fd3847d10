import { createPrivateKey, generateKeyPairSync, randomBytes, type webcrypto } from 'node:crypto';
import { inspect } from 'node:util';
import { calculateJwkThumbprint, EmbeddedJWK, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { DpopKey } from './dpop-key.js';

const read = (source: unknown): DpopKey => {
  const key = DpopKey.read(source);
  if (typeof key === 'string') throw new Error(key);
  return key;
};
const verified = (key: DpopKey) =>
  jwtVerify(key.prove({ jti: '1' }), EmbeddedJWK, { typ: 'dpop+jwt', requiredClaims: ['jti'] });
const jktOf = async (key: DpopKey): Promise<string> =>
  calculateJwkThumbprint((await verified(key)).protectedHeader.jwk!);

describe('A key that tokens are bound to', () => {
  it.each(['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'PS256', 'PS512', 'EdDSA', 'Ed25519'])(
    'signs proofs with %s that others verify, and shows only its public half in them',
    async (alg) => {
      const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
      const { protectedHeader } = await verified(read({ ...(await exportJWK(privateKey)), alg }));
      expect(protectedHeader.alg).toBe(alg);
      expect(Object.keys(protectedHeader.jwk!).toSorted()).toEqual(
        Object.keys(await exportJWK(publicKey)).toSorted(),
      );
    },
  );

  it('is the same whether it comes as a JWK, a KeyObject, a CryptoKey or a pair, and after it was stored', async () => {
    const pair = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(pair.privateKey);
    const sources = [jwk, createPrivateKey({ key: jwk as never, format: 'jwk' }), pair.privateKey, pair];
    const expected = await calculateJwkThumbprint(jwk);
    for (const source of sources) {
      const key = read(source);
      expect(await jktOf(key)).toBe(expected);
      expect(key.text).toBe(read(jwk).text);
      expect(await jktOf(DpopKey.parse(key.text))).toBe(expected);
    }
  });

  it('signs as the CryptoKey does that it was read from', async () => {
    const { privateKey } = await generateKeyPair('PS384', { extractable: true });
    const key = read(privateKey);
    for (const one of [key, DpopKey.parse(key.text)])
      expect((await verified(one)).protectedHeader.alg).toBe('PS384');
  });

  it('is another one each time it is made', async () => {
    expect(await jktOf(DpopKey.generate())).not.toBe(await jktOf(DpopKey.generate()));
  });

  it('does not show when it is printed', () => {
    const key = DpopKey.generate();
    const { d } = JSON.parse(key.text) as { d: string };
    for (const shown of [inspect(key, { depth: Infinity, showHidden: true }), JSON.stringify(key)])
      expect(shown).not.toContain(d);
  });

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const publicJwk = ec.publicKey.export({ format: 'jwk' });
  it.each<[string, unknown, RegExp]>([
    ['nothing', null, /must be a private key/],
    ['text', 'secret', /must be a private key/],
    ['an object', {}, /must be a private key/],
    ['a public JWK', publicJwk, /is public/],
    ['a public KeyObject', ec.publicKey, /is public/],
    ['a symmetric JWK', { kty: 'oct', k: randomBytes(32).toString('base64url') }, /symmetric/],
    ['half a JWK', { kty: 'EC', crv: 'P-256', d: 'x' }, /cannot be read/],
    ['the half of one key with that of another', { ...publicJwk, d: other.d }, /another key/],
    ['an algorithm that does not fit', { ...ec.privateKey.export({ format: 'jwk' }), alg: 'RS256' }, /fit/],
    ['an algorithm that is none', { ...ec.privateKey.export({ format: 'jwk' }), alg: 7 }, /alg/],
    ['a short RSA key', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, /kind/],
    ['a key of another kind', generateKeyPairSync('x25519').privateKey, /kind/],
    ['a key without a JWK', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey, /kind/],
  ])('is not %s', (_, source, fault) => {
    expect(DpopKey.read(source)).toMatch(fault);
  });

  it('is not a CryptoKey that cannot be stored, and the fault says how to make one that can', async () => {
    const { privateKey } = (await generateKeyPair('ES256')) as { privateKey: webcrypto.CryptoKey };
    expect(DpopKey.read(privateKey)).toMatch(/extractable: true/);
    expect(DpopKey.read({ privateKey } satisfies { privateKey: JWK | webcrypto.CryptoKey })).toMatch(
      /extract/,
    );
  });
});
