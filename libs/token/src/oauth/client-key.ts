import { SigningKey, type SigningAlgorithm } from '../crypto/signing-key.js';

/** A private key as a JWK (RFC 7517); its `kid` names it to the provider, its `alg` is what it signs with. */
export interface ClientKeyJwk {
  kty: string;
  kid?: string;
  alg?: string;
  [parameter: string]: unknown;
}

/** A private key that the client proves itself with (RFC 7523): PEM (PKCS#8), PEM with the `kid` that the provider knows it by, or a JWK. */
export type ClientKey = string | { pem: string; kid?: string } | ClientKeyJwk;

/** A string is the fault. */
function readClientKey(key: unknown, algorithm: SigningAlgorithm | undefined): SigningKey | string {
  if (typeof key === 'string') return SigningKey.read(key, undefined, algorithm);
  if (typeof key !== 'object' || key === null || Array.isArray(key))
    return 'must be PEM text or a JWK object';
  const { pem, kid, alg, kty } = key as Record<string, unknown>;
  if (kid !== undefined && typeof kid !== 'string') return 'has a kid that is not a string';
  if (alg !== undefined && typeof alg !== 'string') return 'has an alg that is not a string';
  if (typeof pem === 'string') return SigningKey.read(pem, kid, algorithm);
  if (typeof kty !== 'string') return 'must be PEM text, { pem, kid } or a JWK object';
  return SigningKey.read(key as ClientKeyJwk, kid, alg ?? algorithm);
}

/** Each of the keys as it can be used, or what is wrong with it. The messages never repeat a key. */
export function readClientKeys(
  keys: unknown,
  algorithm: SigningAlgorithm | undefined,
): (SigningKey | string)[] {
  return [keys].flat().map((key) => readClientKey(key, algorithm));
}
