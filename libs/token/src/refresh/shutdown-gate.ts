import { setMaxListeners } from 'node:events';
import { TokenError } from '../common/errors.js';

export const SHUTTING_DOWN = 'this replica is shutting down';

/** How far a shutdown has come: first nothing new begins, and when the time is up nothing goes on. */
export class ShutdownGate {
  readonly #closed = new AbortController();
  readonly #tracked = new Set<Promise<unknown>>();
  #isClosing = false;

  constructor() {
    // One for every write that is being repeated.
    setMaxListeners(0, this.#closed.signal);
  }

  /** No refresh token is presented any more for which this has not been decided. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Nothing is repeated any more. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  begin(): void {
    this.#isClosing = true;
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
    this.begin();
    this.#closed.abort(new TokenError('SHUTTING_DOWN', `${SHUTTING_DOWN}: ask another one`));
    await Promise.allSettled(this.#tracked);
  }
}
