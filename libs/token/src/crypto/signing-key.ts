import {
  constants,
  createPrivateKey,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
  webcrypto,
} from 'node:crypto';

type CryptoKey = webcrypto.CryptoKey;

const rsa = (name: string, hash: string): webcrypto.RsaHashedImportParams => ({ name, hash });
const ecdsa = (namedCurve: string): webcrypto.EcKeyImportParams => ({ name: 'ECDSA', namedCurve });

/** JWS algorithms (RFC 7518 §3.1, RFC 8037, RFC 9864) and what they sign with. */
const ALGORITHMS = {
  RS256: rsa('RSASSA-PKCS1-v1_5', 'SHA-256'),
  RS384: rsa('RSASSA-PKCS1-v1_5', 'SHA-384'),
  RS512: rsa('RSASSA-PKCS1-v1_5', 'SHA-512'),
  PS256: rsa('RSA-PSS', 'SHA-256'),
  PS384: rsa('RSA-PSS', 'SHA-384'),
  PS512: rsa('RSA-PSS', 'SHA-512'),
  ES256: ecdsa('P-256'),
  ES384: ecdsa('P-384'),
  ES512: ecdsa('P-521'),
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
};

export type SigningAlgorithm = keyof typeof ALGORITHMS;
export const SIGNING_ALGORITHMS = Object.keys(ALGORITHMS) as SigningAlgorithm[];

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const MIN_RSA_BITS = 2048;
const BY_CURVE: Record<string, SigningAlgorithm[]> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};

/** What a key can sign with, the usual algorithm first; empty for a key of no use here. */
function algorithmsOf({
  asymmetricKeyType,
  asymmetricKeyDetails: details = {},
}: KeyObject): SigningAlgorithm[] {
  if (asymmetricKeyType === 'ed25519') return ['EdDSA', 'Ed25519'];
  if (asymmetricKeyType === 'ec') return BY_CURVE[details.namedCurve ?? ''] ?? [];
  if (asymmetricKeyType !== 'rsa' || (details.modulusLength ?? 0) < MIN_RSA_BITS) return [];
  return SIGNING_ALGORITHMS.filter((name) => /^[RP]S/.test(name));
}

/** A private key for signatures. Its bytes show nowhere. */
export class SigningKey {
  readonly #key: KeyObject;
  #imported: Promise<CryptoKey> | undefined;

  private constructor(
    key: KeyObject,
    readonly algorithm: SigningAlgorithm,
    readonly keyId: string | undefined,
  ) {
    this.#key = key;
  }

  /**
   * Reads a private key in PEM or as a JWK. A string is the fault, which never repeats the key. An algorithm that does
   * not fit the key is a fault as well.
   */
  static read(
    source: string | JsonWebKey,
    keyId: string | undefined,
    algorithm: string | undefined,
  ): SigningKey | string {
    const key = typeof source === 'string' ? readPem(source) : readJwk(source);
    if (typeof key === 'string') return key;
    const possible = algorithmsOf(key);
    if (possible.length === 0)
      return `is of a kind that is not used here: give RSA of ${MIN_RSA_BITS} bits or more, EC on P-256, P-384 or P-521, or Ed25519`;
    const chosen = algorithm === undefined ? possible[0] : possible.find((name) => name === algorithm);
    if (!chosen) return `does not fit its algorithm: this key can be used for ${possible.join(', ')}`;
    return new SigningKey(key, chosen, keyId);
  }

  /** For WebCrypto, which signs; imported once. */
  async cryptoKey(): Promise<CryptoKey> {
    this.#imported ??= webcrypto.subtle.importKey(
      'pkcs8',
      this.#key.export({ type: 'pkcs8', format: 'der' }),
      ALGORITHMS[this.algorithm],
      false,
      ['sign'],
    );
    return this.#imported;
  }

  /** A signature as JWS has it (RFC 7518 §3). */
  sign(text: string): Buffer {
    const [hash, format] = this.#format();
    return sign(hash, Buffer.from(text), { key: this.#key, ...format });
  }

  /** Whether the public half, as it is told to others, fits the private one. */
  verifies(): boolean {
    const [hash, format] = this.#format();
    try {
      const key = createPublicKey({ key: this.publicJwk(), format: 'jwk' });
      return verify(hash, Buffer.from('halves'), { key, ...format }, this.sign('halves'));
    } catch {
      return false;
    }
  }

  #format() {
    const hash = this.algorithm.startsWith('Ed') ? null : `sha${this.algorithm.slice(2)}`;
    return [hash, { dsaEncoding: 'ieee-p1363', ...(this.algorithm.startsWith('PS') && PSS) }] as const;
  }

  publicJwk(): JsonWebKey {
    return createPublicKey(this.#key).export({ format: 'jwk' });
  }

  /** The private key itself, for sealing. */
  exportJwk(): JsonWebKey {
    return this.#key.export({ format: 'jwk' });
  }
}

function readPem(pem: string): KeyObject | string {
  if (/-----BEGIN (?:[A-Z]+ )*(?:PUBLIC KEY|CERTIFICATE)-----/.test(pem))
    return 'is public: the private key is needed';
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem))
    return 'is encrypted: take off the passphrase with `openssl pkcs8`';
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem))
    return 'must be PEM that begins with "-----BEGIN PRIVATE KEY-----", or a JWK object';
  try {
    return createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    return 'cannot be read: it is not a whole private key in PEM';
  }
}

function readJwk(jwk: JsonWebKey): KeyObject | string {
  if (jwk.kty === 'oct') return 'is a symmetric key: a private key is needed';
  if (jwk.d === undefined) return 'is public: the private key is needed';
  try {
    return createPrivateKey({ key: jwk, format: 'jwk' });
  } catch {
    return 'cannot be read: it is not a whole private key as a JWK (RFC 7517)';
  }
}
