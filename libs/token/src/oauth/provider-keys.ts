import {
  compactVerify,
  type CompactJWSHeaderParameters,
  createRemoteJWKSet,
  customFetch,
  errors,
} from 'jose';
import type { CustomFetch } from 'openid-client';
import { SIGNING_ALGORITHMS } from '../crypto/signing-key.js';
import { capturingFetch } from './token-endpoint.js';

/** What a provider has signed. */
export interface SignedClaims {
  header: CompactJWSHeaderParameters;
  claims: Record<string, unknown>;
}

/** The keys could not be fetched: nothing is known about the signature. */
export class KeysUnavailableError extends Error {}

/** Neither says anything about the token. */
const UNAVAILABLE = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID']);
const boundedFetch = capturingFetch((reply) => reply.body);

/**
 * The public keys of a provider (`jwks_uri`): fetched when they are first needed, again after ten minutes, and for a key
 * that is unknown at most twice a minute, whatever strangers send.
 */
export class ProviderKeys {
  readonly #keys;

  constructor(uri: string, timeoutSeconds: number, allowInsecureRequests: boolean) {
    const url = new URL(uri);
    if (url.protocol !== 'https:' && !allowInsecureRequests)
      throw new KeysUnavailableError('jwks_uri must begin with https:');
    this.#keys = createRemoteJWKSet(url, {
      timeoutDuration: timeoutSeconds * 1000,
      [customFetch]: (href, options) =>
        boundedFetch(href, options as unknown as Parameters<CustomFetch>[1]).catch((cause: unknown) => {
          throw new KeysUnavailableError('the keys cannot be fetched', { cause });
        }),
    });
  }

  /**
   * The claims of a JWS whose signature is by one of the keys: by an asymmetric algorithm, never `none` or HMAC, for which
   * a public key would be a secret that everybody has (RFC 8725 §3.1). Looks at no claim.
   * @throws KeysUnavailableError; anything else means that the signature is no good
   */
  async verify(jws: string): Promise<SignedClaims> {
    try {
      const { payload, protectedHeader } = await compactVerify(jws, this.#keys, {
        algorithms: [...SIGNING_ALGORITHMS],
      });
      return { header: protectedHeader, claims: objectIn(payload) };
    } catch (error) {
      if (error instanceof errors.JOSEError && UNAVAILABLE.has(error.code))
        throw new KeysUnavailableError('the keys cannot be fetched', { cause: error });
      throw error;
    }
  }
}

function objectIn(payload: Uint8Array): Record<string, unknown> {
  const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    throw new errors.JWTInvalid('claims are not an object');
  return claims as Record<string, unknown>;
}
