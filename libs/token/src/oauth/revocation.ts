import { tokenRevocation } from 'openid-client';
import type { TokenEndpointReply } from './classification.js';
import { errorCode } from './error-code.js';
import type { ClientCredential, Provider } from './providers.js';
import { capturingFetch } from './token-endpoint.js';

/** How a request to revoke a token ended. */
export type RevocationOutcome =
  | { outcome: 'revoked' }
  /** The same request will never be granted. */
  | { outcome: 'refused'; reason: string }
  /** `providerDown`: other tokens would fare no better now. */
  | { outcome: 'failed'; reason: string; retryAfterSeconds: number | null; providerDown: boolean };

type ReplyMeaning = RevocationOutcome | { outcome: 'client_rejected'; reason: string };

/** Error codes after which a repetition changes nothing. */
const FINAL = new Set(['unsupported_token_type', 'invalid_grant']);
const CLIENT = new Set(['invalid_client', 'unauthorized_client']);
const CODE = /^[a-z0-9_]{1,40}$/i;

function errorOf(body: string): string | null {
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string' && CODE.test(error) ? error : null;
  } catch {
    return null;
  }
}

/** What an answer of the revocation endpoint means (RFC 7009 §2.2). Pure. */
export function judgeRevocation({ status, retryAfterSeconds, body }: TokenEndpointReply): ReplyMeaning {
  // Also for tokens that the provider does not know; the body of a success means nothing.
  if (status >= 200 && status < 300) return { outcome: 'revoked' };
  const failed = (reason: string, providerDown: boolean): RevocationOutcome => ({
    outcome: 'failed',
    reason,
    retryAfterSeconds,
    providerDown,
  });
  if (status === 429 || status >= 502) return failed(`status ${status}`, true);
  if (status >= 500 || status < 400) return failed(`status ${status}`, false);
  const code = errorOf(body);
  // Google's way to say that there is nothing left to revoke.
  if (code === 'invalid_token') return { outcome: 'revoked' };
  if (code !== null && FINAL.has(code)) return { outcome: 'refused', reason: code };
  const reason = code ?? `status ${status}`;
  if (status === 401 || status === 403 || (code !== null && CLIENT.has(code)))
    return { outcome: 'client_rejected', reason };
  return failed(reason, false);
}

async function revokeWith(
  provider: Provider,
  credential: ClientCredential,
  token: string,
): Promise<ReplyMeaning> {
  let meaning: ReplyMeaning | undefined;
  try {
    const fetch = capturingFetch((reply) => {
      meaning = judgeRevocation(reply);
      return reply.body;
    });
    await tokenRevocation(await provider.client(credential, fetch), token);
  } catch (error) {
    // What the client library says of an answer, we have read from the answer itself.
    meaning ??= { outcome: 'failed', reason: errorCode(error), retryAfterSeconds: null, providerDown: true };
  }
  return meaning ?? { outcome: 'failed', reason: 'no_answer', retryAfterSeconds: null, providerDown: true };
}

/** Revokes a token at the provider (RFC 7009); when the client itself is refused, with the next client secret or key. Never throws. */
export async function revokeAtProvider(provider: Provider, token: string): Promise<RevocationOutcome> {
  try {
    if (!(await provider.metadata()).revocation_endpoint)
      return { outcome: 'refused', reason: 'no_revocation_endpoint' };
  } catch (error) {
    return { outcome: 'failed', reason: errorCode(error), retryAfterSeconds: null, providerDown: true };
  }
  let reason = 'no_client';
  for (const credential of provider.credentials) {
    const meaning = await revokeWith(provider, credential, token);
    if (meaning.outcome === 'revoked') provider.accepted(credential);
    if (meaning.outcome !== 'client_rejected') return meaning;
    ({ reason } = meaning);
  }
  // Somebody may repair the registration before the token expires.
  return { outcome: 'failed', reason, retryAfterSeconds: null, providerDown: true };
}
