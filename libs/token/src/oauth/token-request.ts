import type { Configuration } from 'openid-client';
import { TokenInputError } from '../common/errors.js';
import type { DpopKey } from '../crypto/dpop-key.js';
import { classify, classifyNetworkError, type Classification, type FailedOutcome } from './classification.js';
import { errorCode } from './error-code.js';
import { lifetimeSeconds } from './lifetime.js';
import type { ClientCredential, Provider } from './providers.js';
import { capturingFetch } from './token-endpoint.js';
import { parseTokenResponse } from './token-response.js';
import type { TokenRequestProof } from './token-request-proof.js';

/** What tells one requested token from another; lists are sorted and without repetitions. */
export interface TokenTarget {
  scopes: readonly string[];
  /** Absolute URIs (RFC 8707 §2). */
  resources: readonly string[];
  audiences: readonly string[];
}

/** A token that was issued on request; whatever refresh or ID token came with it was dropped. */
export interface RequestedToken {
  accessToken: string;
  tokenType: 'Bearer' | 'DPoP';
  scope: string | null;
  /** Null where neither answer, token nor provider's default tells it. */
  lifetimeSeconds: number | null;
}

export interface RequestFailure {
  outcome: FailedOutcome | 'response_invalid';
  /** The error code of RFC 6749 §5.2, or words of ours. */
  reason: string;
  retryAfterSeconds: number | null;
}

export type RequestAnswer = { outcome: 'issued'; token: RequestedToken } | RequestFailure;

/** What the provider finds wrong with the request itself, so that another client secret or key would not help. */
const REQUEST_FAULTS = new Set([
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'unsupported_grant_type',
  'invalid_dpop_proof',
]);

const failure = (outcome: RequestFailure['outcome'], reason: string): RequestFailure => ({
  outcome,
  reason,
  retryAfterSeconds: null,
});

/** `scope`, `resource` and `audience` as they go over the wire, the last two once for each value. */
export function targetParameters({ scopes, resources, audiences }: TokenTarget): URLSearchParams {
  const parameters = new URLSearchParams();
  if (scopes.length > 0) parameters.set('scope', scopes.join(' '));
  for (const resource of resources) parameters.append('resource', resource);
  for (const audience of audiences) parameters.append('audience', audience);
  return parameters;
}

/** Only tokens of the type that was asked for can be used by whoever gets them from here; nothing but the access token is looked at. */
function tokenOf(json: Record<string, unknown>, provider: Provider, type: 'Bearer' | 'DPoP'): RequestAnswer {
  try {
    const tokens = parseTokenResponse({ ...json, refresh_token: null, id_token: null });
    if (tokens.tokenType !== type) return failure('response_invalid', `token_type is not ${type}`);
    const { accessToken, scope } = tokens;
    const lifetime = lifetimeSeconds(tokens, null, provider.options.defaultLifetimeSeconds ?? null);
    return { outcome: 'issued', token: { accessToken, tokenType: type, scope, lifetimeSeconds: lifetime } };
  } catch (error) {
    if (error instanceof TokenInputError) return failure('response_invalid', error.message);
    throw error;
  }
}

/** One request with one client secret or key. `send` makes it with the client library. */
async function ask(
  provider: Provider,
  credential: ClientCredential,
  send: (client: Configuration) => Promise<unknown>,
  proof: TokenRequestProof | null,
): Promise<Classification> {
  let classified: Classification | undefined;
  let sent = false;
  const fetch = capturingFetch(
    (reply) => {
      classified = classify(reply, provider.profile);
      // Our own tables judge the answer; the library gets what it cannot object to.
      return classified.outcome === 'answered'
        ? JSON.stringify({ access_token: 'received', token_type: 'bearer' })
        : reply.body;
    },
    () => (sent = true),
    proof,
  );
  try {
    await send(await provider.client(credential, fetch));
  } catch (error) {
    if (!sent)
      return { outcome: 'unavailable', reason: `not sent (${errorCode(error)})`, retryAfterSeconds: null };
    classified ??= classifyNetworkError(error);
  }
  return (
    classified ?? { outcome: 'outcome_unknown', reason: 'unreadable token response', retryAfterSeconds: null }
  );
}

/**
 * Asks a token endpoint for an access token, with the next client secret or key after each that was refused. `faultOf` says
 * why an answer may not be used, for what the grant adds to it. With a `key` the token is bound to it (RFC 9449 §5), or
 * not accepted. Never throws.
 */
export async function requestToken(
  provider: Provider,
  key: DpopKey | null,
  send: (client: Configuration) => Promise<unknown>,
  faultOf: (json: Record<string, unknown>) => string | null = () => null,
): Promise<RequestAnswer> {
  try {
    await provider.metadata();
  } catch (error) {
    return failure('unavailable', `discovery failed (${errorCode(error)})`);
  }
  const proof = provider.proofOf(key);
  let answer: Classification | undefined;
  for (const credential of provider.credentials) {
    answer = await ask(provider, credential, send, proof);
    if (answer.outcome !== 'answered' && proof?.repeats(answer.reason))
      answer = await ask(provider, credential, send, proof);
    if (answer.outcome === 'answered') provider.accepted(credential);
    if (answer.outcome !== 'client_rejected' || REQUEST_FAULTS.has(answer.reason)) break;
  }
  if (answer!.outcome !== 'answered') return answer!;
  const fault = faultOf(answer!.json);
  return fault === null
    ? tokenOf(answer!.json, provider, key === null ? 'Bearer' : 'DPoP')
    : failure('response_invalid', fault);
}
