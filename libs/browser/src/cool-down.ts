import { secondsBetween, type Moment } from './moment.js';
import { TokenClientError } from './token-client.error.js';

/** Seconds: the first failure makes everybody wait 1, the next one 2, and so on. */
const LONGEST = 30;

export interface CoolDown {
  /** @throws TokenClientError the last failure, while nothing may be tried */
  check(): void;
  failed(failure: TokenClientError): void;
  succeeded(): void;
}

/** Between a failure and the next try there is a pause, however many callers there are and however often they try. */
export function createCoolDown(now: () => Moment): CoolDown {
  let last: { failure: TokenClientError; at: Moment; seconds: number } | null = null;
  let failures = 0;
  return {
    check() {
      if (!last) return;
      const { failure, at, seconds } = last;
      const remaining = seconds - secondsBetween(at, now());
      if (remaining > 0) throw failure.withRetryAfter(Math.ceil(remaining));
    },
    failed(failure) {
      const seconds = failure.retryAfterSeconds ?? Math.min(2 ** failures, LONGEST);
      failures += 1;
      last = { failure, at: now(), seconds };
    },
    succeeded() {
      last = null;
      failures = 0;
    },
  };
}
