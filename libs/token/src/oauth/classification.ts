import type { RefreshOutcome } from '../common/events.js';

/** An answer of the token endpoint, read to its end. */
export interface TokenEndpointReply {
  status: number;
  contentType: string;
  /** `Retry-After` in seconds (RFC 9110 §10.2.3), null where there is none. */
  retryAfterSeconds: number | null;
  body: string;
}

export type FailedOutcome = Exclude<RefreshOutcome, 'refreshed' | 'response_invalid' | 'superseded'>;

export type Classification =
  | { outcome: 'answered'; json: Record<string, unknown> }
  | { outcome: FailedOutcome; reason: string; retryAfterSeconds: number | null };

/** Error codes of RFC 6749 §5.2 and of common practice. What is not listed is about the request, never about the user's grant. */
const ERROR_CODES: Record<string, FailedOutcome> = {
  invalid_grant: 'grant_rejected',
  bad_refresh_token: 'grant_rejected', // GitHub, with status 200
  invalid_refresh_token: 'grant_rejected', // Slack, with status 200
  temporarily_unavailable: 'unavailable',
  server_error: 'unavailable',
  slow_down: 'throttled',
};

function parseJson(body: string): Record<string, unknown> | null {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** An error code fit for a log line and a metric: what a stranger sends may be anything. */
const printable = (code: string): string => (/^[a-z0-9_]{1,40}$/i.test(code) ? code : 'unknown error code');

/**
 * What an answer of the token endpoint means for a refresh. Pure. Only `invalid_grant` speaks about the user's grant;
 * everything else leaves the session untouched.
 */
export function classify(reply: TokenEndpointReply): Classification {
  const { status, retryAfterSeconds } = reply;
  const failed = (outcome: FailedOutcome, reason: string): Classification => ({
    outcome,
    reason,
    retryAfterSeconds,
  });
  const json = parseJson(reply.body);
  if (status === 429 || status === 503) return failed('throttled', `status ${status}`);
  // Whatever a failing server says, it says it about itself.
  if (status >= 500) return failed('unavailable', `status ${status}`);
  // Some providers answer 200 with an error.
  if (typeof json?.['error'] === 'string') {
    const code = json['error'];
    return failed(ERROR_CODES[code] ?? 'client_rejected', printable(code));
  }
  if (status >= 300 && status < 400) return failed('unavailable', `redirect refused (status ${status})`);
  if (status >= 400) return failed('client_rejected', `status ${status}`);
  if (json) return { outcome: 'answered', json };
  if (/html/i.test(reply.contentType))
    return failed('unavailable', 'an HTML page instead of a token response');
  // A success that cannot be read: the provider may well have consumed the refresh token.
  return failed('outcome_unknown', 'unreadable token response');
}

/** Codes of connection errors after which the request cannot have reached the provider. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_.*|.*SELF_SIGNED.*|UNABLE_TO_.*|ERR_SSL_.*)$/;

/** What a request without an answer means. Only the error's codes are looked at, since its other parts may hold the request. */
export function classifyNetworkError(error: unknown): Classification {
  const codes: string[] = [];
  for (
    let e = error as { code?: unknown; name?: unknown; cause?: unknown } | undefined;
    e && codes.length < 8;
    e = e.cause as typeof e
  ) {
    codes.push(...[e.code, e.name].filter((code): code is string => typeof code === 'string'));
  }
  const refused = codes.find((code) => NEVER_SENT.test(code));
  if (refused) return { outcome: 'unavailable', reason: printable(refused), retryAfterSeconds: null };
  const timedOut = codes.some((code) => code === 'TimeoutError');
  return {
    outcome: 'outcome_unknown',
    reason: timedOut ? 'no answer in time' : 'connection lost',
    retryAfterSeconds: null,
  };
}
