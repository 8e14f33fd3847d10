import type { RefreshOutcome } from '../common/events.js';
import type { ProviderProfile } from './provider.profile.js';
import { type AnswerFormat, type AnswerShape, readFields, standardShape } from './token-answer.js';

/** An answer of the token endpoint, read to its end. */
export interface TokenEndpointReply {
  status: number;
  contentType: string;
  /** `Retry-After` in seconds (RFC 9110 §10.2.3), null where there is none. */
  retryAfterSeconds: number | null;
  body: string;
  /** The body went on: what is here is its beginning. */
  truncated?: boolean;
}

/** What a profile says about answers. */
export type AnswerProfile = AnswerFormat & AnswerShape & Pick<ProviderProfile, 'errorCodes'>;

export type FailedOutcome = Exclude<RefreshOutcome, 'refreshed' | 'response_invalid' | 'superseded'>;

export type Classification =
  | { outcome: 'answered'; json: Record<string, unknown> }
  /** `unsent`: the provider was not asked. */
  | { outcome: FailedOutcome; reason: string; retryAfterSeconds: number | null; unsent?: true };

/** Error codes of RFC 6749 §5.2 and of common practice. What is not listed is about the request, never about the user's grant. */
const ERROR_CODES = new Map<string, FailedOutcome>([
  ['invalid_grant', 'grant_rejected'],
  ['bad_refresh_token', 'grant_rejected'], // GitHub, with status 200
  ['invalid_refresh_token', 'grant_rejected'], // Slack, with status 200
  ['temporarily_unavailable', 'unavailable'],
  ['server_error', 'unavailable'],
  ['slow_down', 'throttled'],
  ['use_dpop_nonce', 'unavailable'], // RFC 9449 §8, once more after it was given one
]);

/** The error that an answer reports: with any status, and also where it says no more than `ok: false`. */
function errorIn(fields: Record<string, unknown> | null): string | null {
  const error = fields?.['error'];
  if (typeof error === 'string' && error !== '') return error;
  return fields?.['ok'] === false ? 'not_ok' : null;
}

function meaningOf(code: string, { errorCodes = {} }: AnswerProfile): FailedOutcome {
  return (Object.hasOwn(errorCodes, code) ? errorCodes[code] : ERROR_CODES.get(code)) ?? 'client_rejected';
}

const HTML_BODY = /^\s*<(?:!doctype html|html|head|body)\b/i;

/** An error code fit for a log line and a metric: what a stranger sends may be anything. */
const printable = (code: string): string => (/^[a-z0-9_]{1,40}$/i.test(code) ? code : 'unknown error code');

/**
 * What an answer of the token endpoint means for a refresh. Pure. Only `invalid_grant` and what a profile equates with it
 * speak about the user's grant; everything else leaves the session untouched.
 */
export function classify(reply: TokenEndpointReply, profile: AnswerProfile = {}): Classification {
  const { status, retryAfterSeconds, truncated = false } = reply;
  const failed = (outcome: FailedOutcome, reason: string): Classification => ({
    outcome,
    reason,
    retryAfterSeconds,
  });
  if (status === 429 || status === 503) return failed('throttled', `status ${status}`);
  // Whatever a failing server says, it says it about itself.
  if (status >= 500) return failed('unavailable', `status ${status}`);
  // The beginning of a form is a form as well, with a token cut in two.
  const fields = truncated ? null : readFields(reply, profile);
  const tokens = fields && standardShape(fields, profile);
  const succeeded = status >= 200 && status < 300;
  const code = errorIn(fields);
  // Some providers answer 200 with an error; one that comes beside an access token has not kept them from working.
  if (code !== null && !(succeeded && typeof tokens?.['access_token'] === 'string'))
    return failed(meaningOf(code, profile), printable(code));
  if (status >= 300 && status < 400) return failed('unavailable', `redirect refused (status ${status})`);
  if (status >= 400) return failed('client_rejected', `status ${status}`);
  if (tokens) return { outcome: 'answered', json: tokens };
  if (/html/i.test(reply.contentType) || HTML_BODY.test(reply.body))
    return failed('unavailable', 'an HTML page instead of a token response');
  // A success that cannot be read: the provider may well have consumed the refresh token.
  return failed('outcome_unknown', truncated ? 'token response over 1 MiB' : 'unreadable token response');
}

/** Codes of connection errors after which the request cannot have reached the provider. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_.*|.*SELF_SIGNED.*|UNABLE_TO_.*|ERR_SSL_.*|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)$/;

interface NetworkError {
  name?: unknown;
  code?: unknown;
  syscall?: unknown;
  cause?: unknown;
  /** Of the addresses that were tried one after the other. */
  errors?: unknown;
}

/** What a request without an answer means. Only the error's codes are looked at, since its other parts may hold the request. */
export function classifyNetworkError(error: unknown): Classification {
  const refused = unsentCode(error);
  if (refused !== null)
    return { outcome: 'unavailable', reason: printable(refused), retryAfterSeconds: null };
  const timedOut = causes(error).some(({ name, code }) => [name, code].includes('TimeoutError'));
  return {
    outcome: 'outcome_unknown',
    reason: timedOut ? 'no answer in time' : 'connection lost',
    retryAfterSeconds: null,
  };
}

/** The code of a connection that was never made; null where the request may have been sent. */
function unsentCode(error: unknown): string | null {
  for (const { name, code, syscall, errors } of causes(error)) {
    if (Array.isArray(errors) && errors.length > 0) {
      // Its own code is that of the first address, and says nothing of the others.
      const codes = errors.map(unsentCode);
      return codes.includes(null) ? null : codes[0]!;
    }
    const words = [code, name].filter((word): word is string => typeof word === 'string');
    const refused = syscall === 'connect' ? words[0] : words.find((word) => NEVER_SENT.test(word));
    if (refused !== undefined) return refused;
  }
  return null;
}

function causes(error: unknown): NetworkError[] {
  const found: NetworkError[] = [];
  for (let e = error as NetworkError | undefined; e && found.length < 4; e = e.cause as typeof e)
    found.push(e);
  return found;
}
