import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { Grant } from './grants.js';

const ALGORITHM = 'ES256';

/** Signs ID tokens (OpenID Connect Core 1.0 §2) with a key of its own. */
export class IdTokenSigner {
  private constructor(
    private readonly key: CryptoKey,
    /** The public key, for the server's JWKS. */
    readonly jwk: JWK,
  ) {}

  static async create(): Promise<IdTokenSigner> {
    const { privateKey, publicKey } = await generateKeyPair(ALGORITHM);
    const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: ALGORITHM, use: 'sig' };
    return new IdTokenSigner(privateKey, jwk);
  }

  sign(issuer: string, { user, clientId }: Grant, now: number, lifetimeSeconds: number): Promise<string> {
    const issuedAt = Math.floor(now / 1000);
    return new SignJWT()
      .setProtectedHeader({ alg: ALGORITHM, kid: 'test' })
      .setIssuer(issuer)
      .setSubject(user)
      .setAudience(clientId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetimeSeconds)
      .sign(this.key);
  }
}
