import { decodeJwt } from 'jose';
import { errorCode } from './error-code.js';
import { idTokenFault } from './id-token.js';
import { KeysUnavailableError } from './provider-keys.js';
import type { Provider } from './providers.js';

export type Claims = Record<string, unknown>;

/** What an ID token says, or why it is not believed. `unavailable`: the provider's keys could not be fetched. */
export type Identity = { claims: Claims } | { fault: string; unavailable: boolean };

const fault = (reason: string, unavailable = false): Identity => ({ fault: reason, unavailable });

/** For whom and for which request it was issued (OpenID Connect Core 1.0 §3.1.3.7, 4, 5, 10, 11). */
function requestFault(claims: Claims, clientId: string, nonce: string): string | null {
  const { aud, azp, iat } = claims;
  if (azp !== undefined ? azp !== clientId : Array.isArray(aud) && aud.length > 1)
    return 'was issued to another client';
  if (typeof iat !== 'number') return 'does not say when it was issued';
  return claims['nonce'] === nonce ? null : 'belongs to another log-in';
}

/**
 * Checks the ID token of a log-in as OpenID Connect Core 1.0 §3.1.3.7 wants it. Its signature as well, wherever the
 * provider's keys are known; without them the connection that it came over vouches for it (6). `now`: the database's
 * clock, in epoch milliseconds.
 */
export async function identityIn(
  provider: Provider,
  idToken: string,
  expected: { nonce: string; now: number },
): Promise<Identity> {
  let claims: Claims;
  try {
    const keys = await provider.keys();
    claims = keys === null ? decodeJwt(idToken) : (await keys.verify(idToken)).claims;
  } catch (error) {
    return error instanceof KeysUnavailableError
      ? fault('keys cannot be fetched', true)
      : fault(`signature refused (${errorCode(error)})`);
  }
  const { issuer, clientId } = provider.options;
  const found =
    idTokenFault(idToken, { issuer, clientId, notExpiredAt: expected.now }, null) ??
    requestFault(claims, clientId, expected.nonce);
  return found === null ? { claims } : fault(found);
}
