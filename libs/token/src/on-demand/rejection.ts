import {
  ProviderUnavailableError,
  type TokenError,
  type TokenRequestCode,
  TokenRequestRejectedError,
} from '../common/errors.js';
import type { TokenGrant } from '../common/events.js';
import type { RequestFailure } from '../oauth/token-request.js';

interface Advice {
  code: TokenRequestCode;
  advice: (provider: string, grant: string) => string;
}

const CLIENT: Advice = {
  code: 'CLIENT_REJECTED',
  advice: (provider) =>
    `Check clientId, clientSecret, clientAuthentication and tokenEndpoint of providers.${provider}; a new secret may stand beside the old one in a list.`,
};
const GRANT_TYPE: Advice = {
  code: 'GRANT_TYPE_REJECTED',
  advice: (_provider, grant) => `Allow the grant type "${grant}" to this client at the provider.`,
};
const REQUEST: Advice = {
  code: 'REQUEST_REJECTED',
  advice: (_provider, grant) =>
    `Look the error code up in the provider's documents on ${grant}; the request was well-formed here.`,
};
const SUBJECT: Advice = {
  code: 'SUBJECT_REJECTED',
  advice: () =>
    "It does not accept the user's access token: refreshTokens() may bring one that it does, else the user logs in again.",
};
/** RFC 8693 §2.2.2 has one code for a malformed request and for a subject token that is unacceptable for any reason. */
const EXCHANGE: Advice = {
  code: 'REQUEST_REJECTED',
  advice: () =>
    "Either it does not let this client exchange this user's access token, or it needs a parameter such as audience, resource or scope that the call has not named.",
};
const BY_REASON: Record<string, Advice> = {
  invalid_client: CLIENT,
  unauthorized_client: GRANT_TYPE,
  unsupported_grant_type: GRANT_TYPE,
  invalid_scope: {
    code: 'SCOPE_REJECTED',
    advice: () => 'It is unknown there or not allowed to this client: correct the call, or allow it there.',
  },
  invalid_target: {
    code: 'TARGET_REJECTED',
    advice: () => 'It issues no token for this resource or audience: correct the call, or register it there.',
  },
};

function adviceFor({ outcome, reason }: RequestFailure, grant: TokenGrant): Advice {
  if (grant === 'token_exchange' && outcome === 'grant_rejected') return SUBJECT;
  if (grant === 'token_exchange' && reason === 'invalid_request') return EXCHANGE;
  if (/^status 40[134]$/.test(reason)) return CLIENT;
  return Object.hasOwn(BY_REASON, reason) ? BY_REASON[reason]! : REQUEST;
}

/** What a caller hears of a failed request, `retryAfter` seconds before the next one is made. */
export function toError(
  provider: string,
  grant: TokenGrant,
  failure: RequestFailure,
  retryAfter: number,
): TokenError {
  const { outcome, reason } = failure;
  if (outcome !== 'client_rejected' && outcome !== 'grant_rejected')
    return new ProviderUnavailableError(provider, `${outcome}: ${reason}`, retryAfter);
  const { code, advice } = adviceFor(failure, grant);
  return new TokenRequestRejectedError(provider, code, reason, advice(provider, grant), retryAfter);
}

/** Whether a failure is about this client as a whole, so that no other request of its kind would fare better. */
export const concernsClient = ({ outcome, reason }: RequestFailure): boolean =>
  outcome === 'throttled' ||
  (outcome === 'client_rejected' && (reason === 'invalid_client' || reason === 'status 401'));
