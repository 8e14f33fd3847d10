import { generateKeyPairSync, type JsonWebKey, KeyObject, type webcrypto } from 'node:crypto';
import { types } from 'node:util';
import { SigningKey } from './signing-key.js';

/**
 * A private key that a log-in has proven (RFC 9449): a JWK, a key of `node:crypto`, or one of WebCrypto that was made
 * extractable, alone or as the pair that `randomDPoPKeyPair()` of openid-client makes.
 */
export type DpopPrivateKey =
  JsonWebKey | KeyObject | webcrypto.CryptoKey | { privateKey: KeyObject | webcrypto.CryptoKey };

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A key that tokens are bound to. The private part shows nowhere but in `text`. */
export class DpopKey {
  readonly #key: SigningKey;
  readonly #header: string;

  private constructor(key: SigningKey) {
    this.#key = key;
    this.#header = part({ typ: 'dpop+jwt', alg: key.algorithm, jwk: key.publicJwk() });
  }

  /** A new key for ES256, which every server that knows DPoP is likely to accept. */
  static generate(): DpopKey {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return DpopKey.parse(JSON.stringify({ ...privateKey.export({ format: 'jwk' }), alg: 'ES256' }));
  }

  /** Reads what a log-in hands over. A string is the fault, which never repeats the key. */
  static read(source: unknown): DpopKey | string {
    const jwk = jwkOf(source);
    if (typeof jwk === 'string') return jwk;
    const { alg } = jwk as { alg?: unknown };
    if (alg !== undefined && typeof alg !== 'string') return 'has an alg that is not a string';
    const key = SigningKey.read(jwk, undefined, alg);
    if (typeof key === 'string') return key;
    // Nobody else compares the halves of a JWK, and every server would refuse its proofs.
    return key.verifies() ? new DpopKey(key) : 'cannot be used: its public half belongs to another key';
  }

  /** Reads `text` again. */
  static parse(text: string): DpopKey {
    const jwk = JSON.parse(text) as JsonWebKey & { alg: string };
    const key = SigningKey.read(jwk, undefined, jwk.alg);
    if (typeof key === 'string') throw new Error(`the stored key ${key}`);
    return new DpopKey(key);
  }

  /** The private key as text, for sealing: the same for the same key, whatever it was read from. */
  get text(): string {
    return JSON.stringify({ ...this.#key.exportJwk(), alg: this.#key.algorithm });
  }

  get publicJwk(): JsonWebKey {
    return this.#key.publicJwk();
  }

  /** A signed proof that holds these claims and the public key. */
  prove(claims: object): string {
    const signed = `${this.#header}.${part(claims)}`;
    return `${signed}.${this.#key.sign(signed).toString('base64url')}`;
  }
}

function jwkOf(source: unknown): JsonWebKey | string {
  const pair = source as { privateKey?: unknown } | null;
  const key =
    typeof pair === 'object' && pair !== null && pair.privateKey !== undefined ? pair.privateKey : source;
  if (types.isCryptoKey(key)) {
    if (key.type !== 'private') return 'is public: the private key is needed';
    if (!key.extractable)
      return 'cannot be stored: make it extractable, as with randomDPoPKeyPair("ES256", { extractable: true })';
    return exported(KeyObject.from(key), algorithmOf(key));
  }
  if (key instanceof KeyObject)
    return key.type === 'private' ? exported(key) : 'is public or secret: the private key is needed';
  if (typeof key !== 'object' || key === null || typeof (key as JsonWebKey).kty !== 'string')
    return 'must be a private key: a JWK, a KeyObject or an extractable CryptoKey';
  return key as JsonWebKey;
}

function exported(key: KeyObject, algorithm: { alg?: string } = {}): JsonWebKey | string {
  try {
    return { ...key.export({ format: 'jwk' }), ...algorithm };
  } catch {
    return 'is of a kind that cannot be used here';
  }
}

/** For RSA, whose keys do not tell; a CryptoKey signs in one way only. */
function algorithmOf({ algorithm }: webcrypto.CryptoKey): { alg?: string } {
  const { name, hash } = algorithm as webcrypto.RsaHashedKeyAlgorithm;
  const bits = hash?.name.slice('SHA-'.length);
  if (name === 'RSA-PSS') return { alg: `PS${bits}` };
  return name === 'RSASSA-PKCS1-v1_5' ? { alg: `RS${bits}` } : {};
}
