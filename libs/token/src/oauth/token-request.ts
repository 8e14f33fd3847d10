import { TokenInputError } from '../common/errors.js';
import type { DpopKey } from '../crypto/dpop-key.js';
import type { FailedOutcome } from './classification.js';
import { lifetimeSeconds } from './lifetime.js';
import type { Provider } from './providers.js';
import { type SendGrant, sendGrant } from './token-grant.js';
import { parseTokenResponse } from './token-response.js';

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

/**
 * Asks a token endpoint for an access token, with the next client secret or key after each that was refused. `faultOf` says
 * why an answer may not be used, for what the grant adds to it. With a `key` the token is bound to it (RFC 9449 §5), or
 * not accepted. Never throws.
 */
export async function requestToken(
  provider: Provider,
  key: DpopKey | null,
  send: SendGrant,
  faultOf: (json: Record<string, unknown>) => string | null = () => null,
): Promise<RequestAnswer> {
  const answer = (await sendGrant(provider, key, send, { finalErrors: REQUEST_FAULTS }))!;
  if (answer.outcome !== 'answered') return answer;
  const fault = faultOf(answer.json);
  return fault === null
    ? tokenOf(answer.json, provider, key === null ? 'Bearer' : 'DPoP')
    : failure('response_invalid', fault);
}
