/**
 * `CONFIGURATION_INVALID`: the options are wrong; the message lists every fault.
 * `SESSION_ENDED`: nobody is logged in; only a log-in helps.
 * `OFFLINE`: the browser has no network; the session is untouched.
 * `UNAVAILABLE`: the backend or the provider cannot answer now; the session is untouched, try again after `retryAfterSeconds`.
 * `REFUSED`: the backend answers and says no, for example because the user has not connected the provider: see `problem`.
 * `ANSWER_INVALID`: the backend's answer cannot be used.
 * `NO_TOKEN_IN_BFF_MODE`: mode `bff` has no access token in the browser; call the API through the backend.
 * `CLOSED`: the client was closed.
 */
export type TokenClientErrorCode =
  | 'CONFIGURATION_INVALID'
  | 'SESSION_ENDED'
  | 'OFFLINE'
  | 'UNAVAILABLE'
  | 'REFUSED'
  | 'ANSWER_INVALID'
  | 'NO_TOKEN_IN_BFF_MODE'
  | 'CLOSED';

export interface TokenClientErrorDetails {
  /** HTTP status of the backend's answer. */
  status?: number | null;
  /** `code` of the backend's problem document, for example `TOKEN_NOT_FOUND`. */
  problem?: string | null;
  /** When trying again makes sense, in seconds from now. */
  retryAfterSeconds?: number | null;
}

/** What `@tokenward/browser` rejects with. Decide by `code`, which is stable; it carries no token and no response. */
export class TokenClientError extends Error {
  override readonly name = 'TokenClientError';
  readonly status: number | null;
  readonly problem: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(
    readonly code: TokenClientErrorCode,
    message: string,
    { status = null, problem = null, retryAfterSeconds = null }: TokenClientErrorDetails = {},
  ) {
    super(message);
    this.status = status;
    this.problem = problem;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** @internal The same failure, for somebody who asks later. */
  withRetryAfter(retryAfterSeconds: number): TokenClientError {
    return Object.assign(new TokenClientError(this.code, this.message, this), { retryAfterSeconds });
  }
}

export const sessionEnded = (): TokenClientError =>
  new TokenClientError('SESSION_ENDED', 'Nobody is logged in: send the user to the log-in.');
