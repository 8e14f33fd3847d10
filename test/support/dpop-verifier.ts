import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';

export interface VerifiedProof {
  /** Thumbprint of the key that has signed it. */
  jkt: string;
  nonce: string | null;
  jti: string;
}

/**
 * Verifies a proof as a server does (RFC 9449 §4.3): signature, type, age, method, URL and, where a token came with it,
 * that it is for this one. @throws for a proof that is not right
 */
export async function verifyProof(
  proof: string | null | undefined,
  expected: { method: string; url: string; accessToken?: string },
): Promise<VerifiedProof> {
  const { payload, protectedHeader } = await jwtVerify(proof ?? '', EmbeddedJWK, {
    typ: 'dpop+jwt',
    maxTokenAge: 60,
    requiredClaims: ['jti', 'htm', 'htu', 'iat'],
  });
  const { accessToken } = expected;
  const ath =
    accessToken === undefined ? undefined : createHash('sha256').update(accessToken).digest('base64url');
  const { htm, htu, jti, nonce = null } = payload as Record<string, string | undefined>;
  if (htm !== expected.method) throw new Error(`htm is ${htm}`);
  if (htu !== expected.url) throw new Error(`htu is ${htu}`);
  if (payload['ath'] !== ath) throw new Error('ath is of another token');
  if ('d' in protectedHeader.jwk!) throw new Error('the proof shows the private key');
  return { jkt: await calculateJwkThumbprint(protectedHeader.jwk!), nonce, jti: jti! };
}
