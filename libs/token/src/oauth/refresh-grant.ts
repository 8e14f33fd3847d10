import { refreshTokenGrant } from 'openid-client';
import { type Classification, classify, classifyNetworkError, type FailedOutcome } from './classification.js';
import type { Provider } from './providers.js';
import { capturingFetch } from './token-endpoint.js';

/** How the presentation of a refresh token ended (RFC 6749 §6). */
export type Exchange =
  /** `invalid` tells why the answer may not be used although it came; its refresh token counts all the same. */
  | { outcome: 'answered'; json: Record<string, unknown>; invalid: string | null }
  | { outcome: FailedOutcome; reason: string; retryAfterSeconds: number | null };

/** What the table of odd answers tolerates, made plain for the client library, which is strict. */
function normalized(json: Record<string, unknown>, provider: Provider): string {
  const { expires_in: _ignored, ...rest } = json;
  for (const name of ['refresh_token', 'id_token', 'scope'])
    if (rest[name] === '' || rest[name] === null) delete rest[name];
  // Without a configured issuer the library has nothing to compare an ID token with; idTokenFault() still checks it.
  if (!provider.options.issuer) delete rest['id_token'];
  return JSON.stringify({
    ...rest,
    token_type: typeof rest['token_type'] === 'string' ? rest['token_type'] : 'bearer',
  });
}

async function present(
  provider: Provider,
  clientSecret: string | undefined,
  refreshToken: string,
): Promise<Exchange> {
  let classified: Classification | undefined;
  const fetch = capturingFetch((reply) => {
    classified = classify(reply);
    return classified.outcome === 'answered' ? normalized(classified.json, provider) : reply.body;
  });
  let invalid: string | null = null;
  try {
    const client = await provider.client(clientSecret, fetch);
    await refreshTokenGrant(client, refreshToken);
  } catch (error) {
    // Only the code: the library's errors can hold the whole answer.
    invalid = String((error as { code?: unknown }).code ?? 'invalid token response');
    classified ??= classifyNetworkError(error);
  }
  if (classified?.outcome === 'answered') return { ...classified, invalid };
  return classified ?? { outcome: 'outcome_unknown', reason: 'no answer', retryAfterSeconds: null };
}

/** Presents a refresh token once; only when the client itself was refused, again with the next client secret. Never throws. */
export async function exchangeRefreshToken(provider: Provider, refreshToken: string): Promise<Exchange> {
  try {
    // Apart from the exchange, so that a failed discovery is never taken for a lost reply.
    await provider.metadata();
  } catch {
    return { outcome: 'unavailable', reason: 'discovery failed', retryAfterSeconds: null };
  }
  let exchange: Exchange | undefined;
  for (const clientSecret of provider.clientSecrets) {
    exchange = await present(provider, clientSecret, refreshToken);
    if (exchange.outcome !== 'client_rejected') break;
  }
  return exchange!;
}
