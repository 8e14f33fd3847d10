import { STATUS_CODES } from 'node:http';

/** A call that is not passed on, or not to its end. `code` is stable and for programs. */
export class ApiFault extends Error {
  override readonly name = 'ApiFault';
  readonly title: string;

  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    /** Seconds after which a new attempt makes sense. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
    this.title = STATUS_CODES[status]!;
  }
}

export const apiUnknown = (): ApiFault =>
  new ApiFault(404, 'API_UNKNOWN', 'No API is configured for a provider of that name.');

export const callNotListed = (): ApiFault =>
  new ApiFault(
    403,
    'CALL_NOT_LISTED',
    'This call is not on the list of calls that are passed on, or its path is not written plainly.',
  );

export const requestTooLarge = (most: number): ApiFault =>
  new ApiFault(413, 'REQUEST_TOO_LARGE', `A request body of at most ${most} bytes is passed on.`);

export const answerTooLarge = (most: number): ApiFault =>
  new ApiFault(502, 'ANSWER_TOO_LARGE', `The API answers more than ${most} bytes, which is not passed on.`);

export const tooManyCalls = (most: number): ApiFault =>
  new ApiFault(429, 'TOO_MANY_CALLS', `At most ${most} calls of one user are passed on at once.`, 1);

export const apiTimeout = (seconds: number): ApiFault =>
  new ApiFault(504, 'API_TIMEOUT', `The call has stood still for ${seconds} s.`);

/** The browser's session is fine, so this is no 401, which would send its user to the log-in for nothing. */
export const apiUnauthorized = (): ApiFault =>
  new ApiFault(502, 'API_UNAUTHORIZED', 'The API refuses the token of this user, even a new one.');

export const apiRedirects = (): ApiFault =>
  new ApiFault(502, 'API_REDIRECT_REFUSED', 'The API leads away from where it is configured to be.');

/** As the guard says it to calls that come later. */
export const sessionOver = (): ApiFault =>
  new ApiFault(401, 'SESSION_REQUIRED', 'The session has ended meanwhile.');

/** Nobody reads this one. */
export const browserGone = (): ApiFault =>
  new ApiFault(400, 'BROWSER_GONE', 'The browser no longer waits for an answer.');
