import { setMaxListeners } from 'node:events';
import { TokenError } from '../common/errors.js';

/** A call that was there before the shutdown may still begin its exchange for so long; the default time is that much longer than one. */
export const LATE_CLAIMS_MS = 5_000;
export const SHUTTING_DOWN = 'this replica is shutting down';

/** How far a shutdown has come: first nothing new begins, and when the time is up nothing goes on. */
export class ShutdownGate {
  readonly #closed = new AbortController();
  readonly #tracked = new Set<Promise<unknown>>();
  #begunAt = Infinity;

  constructor() {
    // One for every write that is being repeated.
    setMaxListeners(0, this.#closed.signal);
  }

  /** Whether a call from `askedAt` may present a refresh token. */
  isOpen(askedAt: number, now: number): boolean {
    return !this.isLate(askedAt) && now < this.#begunAt + LATE_CLAIMS_MS;
  }

  /** Whether a call from `askedAt` has come after the shutdown began. */
  isLate(askedAt: number): boolean {
    return askedAt >= this.#begunAt;
  }

  /** Nothing is repeated any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** From now on, by the monotonic clock, calls find nothing begun for them. */
  begin(now: number): void {
    this.#begunAt = Math.min(this.#begunAt, now);
  }

  /** Work that `close` waits for, and that ends soon after `closed`. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#tracked.add(work);
    try {
      return await work;
    } finally {
      this.#tracked.delete(work);
    }
  }

  /** Resolves when what was going on has ended. */
  async close(): Promise<void> {
    this.begin(-Infinity);
    this.#closed.abort(new TokenError('SHUTTING_DOWN', `${SHUTTING_DOWN}: ask another one`));
    await Promise.allSettled(this.#tracked);
  }
}
