import { refreshTokenGrant } from 'openid-client';
import type { DpopKey } from '../crypto/dpop-key.js';
import { type Classification, classify, classifyNetworkError, type FailedOutcome } from './classification.js';
import { errorCode } from './error-code.js';
import type { ClientCredential, Provider } from './providers.js';
import { capturingFetch } from './token-endpoint.js';
import type { TokenRequestProof } from './token-request-proof.js';

/** How the presentation of a refresh token ended (RFC 6749 §6). */
export type Exchange =
  /** `invalid` tells why the answer may not be used although it came; its refresh token counts all the same. */
  | { outcome: 'answered'; json: Record<string, unknown>; invalid: string | null }
  | { outcome: FailedOutcome; reason: string; retryAfterSeconds: number | null };

/**
 * What is left for the client library to judge. Lifetime, scope and refresh token follow our own tables, which tolerate
 * more; the ID token is checked by `idTokenFault()`, against the stored one and without this machine's clock.
 */
function forLibrary({ access_token, token_type }: Record<string, unknown>): string {
  return JSON.stringify({ access_token, token_type: typeof token_type === 'string' ? token_type : 'bearer' });
}

async function present(
  provider: Provider,
  credential: ClientCredential,
  refreshToken: string,
  proof: TokenRequestProof | null,
): Promise<Exchange> {
  let classified: Classification | undefined;
  let sent = false;
  const fetch = capturingFetch(
    (reply) => {
      classified = classify(reply, provider.profile);
      return classified.outcome === 'answered' ? forLibrary(classified.json) : reply.body;
    },
    () => (sent = true),
    proof,
  );
  try {
    await refreshTokenGrant(await provider.client(credential, fetch), refreshToken);
    if (classified?.outcome === 'answered') return { ...classified, invalid: null };
  } catch (error) {
    if (!sent)
      return { outcome: 'unavailable', reason: `not sent (${errorCode(error)})`, retryAfterSeconds: null };
    if (classified?.outcome === 'answered') return { ...classified, invalid: errorCode(error) };
    const failure = classified ?? classifyNetworkError(error);
    if (failure.outcome !== 'answered') return failure;
  }
  return { outcome: 'outcome_unknown', reason: 'unreadable token response', retryAfterSeconds: null };
}

/**
 * Presents a refresh token once; only when the client itself was refused, again with the next client secret or key. The
 * one that was accepted comes first the next time. With a `key` it is proven (RFC 9449 §5); a request that was refused for
 * its nonce has not consumed the refresh token, and is repeated once. Null, and nothing is presented, when `mayPresent` says
 * no after the provider was discovered, which may take long. Never throws.
 */
export async function exchangeRefreshToken(
  provider: Provider,
  refreshToken: string,
  key: DpopKey | null,
  mayPresent: () => boolean,
): Promise<Exchange | null> {
  try {
    // Apart from the exchange, so that a failed discovery is never taken for a lost reply.
    await provider.metadata();
  } catch (error) {
    return {
      outcome: 'unavailable',
      reason: `discovery failed (${errorCode(error)})`,
      retryAfterSeconds: null,
    };
  }
  if (!mayPresent()) return null;
  const proof = provider.proofOf(key);
  let exchange: Exchange | undefined;
  for (const credential of provider.credentials) {
    exchange = await present(provider, credential, refreshToken, proof);
    if (exchange.outcome !== 'answered' && proof?.repeats(exchange.reason))
      exchange = await present(provider, credential, refreshToken, proof);
    // Who refuses the grant has accepted the client.
    if (['answered', 'grant_rejected'].includes(exchange.outcome)) provider.accepted(credential);
    // Another secret makes no better proof.
    if (exchange.outcome !== 'client_rejected' || exchange.reason === 'invalid_dpop_proof') break;
  }
  return exchange!;
}
