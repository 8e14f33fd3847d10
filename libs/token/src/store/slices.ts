import type { Clock } from '../common/clock.js';
import type { TokenEvents } from '../common/events.js';

/** After so much work the event loop gets a turn, so that requests of this process hardly wait. */
const SLICE_MS = 0.3;
/** While this process hands tokens out it gets this long for itself, and with it the database and the processor, */
const REST_MS = 1;
/** until nobody was given one for this long. */
const READERS_MS = 250;
/** A busy process wakes up late: the work until the next rest may take this part of what the last one has taken. */
const WORK_PER_REST = 1 / 3;

/** Cuts long work into slices between which others are served. */
export class Slices {
  readonly #subscription;
  #read = false;
  #readersUntil = -Infinity;
  #beganAt: number;
  /** Since the last rest. */
  #worked = 0;
  #allowed = 0;

  constructor(
    private readonly clock: Clock,
    events: TokenEvents,
  ) {
    this.#subscription = events.stream.subscribe(({ type }) => {
      if (type === 'token_read') this.#read = true;
    });
    this.#beganAt = clock.monotonic();
  }

  /** Whether somebody was given a token a moment ago. */
  get hasReaders(): boolean {
    return this.#read || this.clock.monotonic() < this.#readersUntil;
  }

  /** To be awaited after each piece of work. */
  async giveWay(): Promise<void> {
    const now = this.clock.monotonic();
    if (now < this.#beganAt + SLICE_MS) return;
    this.#worked += now - this.#beganAt;
    if (this.#read) this.#readersUntil = now + READERS_MS;
    this.#read = false;
    await (now < this.#readersUntil && this.#worked >= this.#allowed ? this.rest(now) : this.clock.turn());
    this.#beganAt = this.clock.monotonic();
  }

  end(): void {
    this.#subscription.unsubscribe();
  }

  private async rest(now: number): Promise<void> {
    await this.clock.rest(REST_MS);
    this.#worked = 0;
    this.#allowed = (this.clock.monotonic() - now) * WORK_PER_REST;
  }
}
