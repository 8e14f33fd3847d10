import type { Clock } from '../common/clock.js';
import type { TokenStore } from './token-store.js';

/** After so much work the event loop gets a turn, so that requests of this process hardly wait. */
const SLICE_MS = 0.3;
/** While this process hands tokens out it gets this long for itself, and with it the database and the processor, */
const REST_MS = 1;
/** until nobody was seen to read for this long. */
const READERS_MS = 250;
/** A busy process wakes up late: until the next rest the work may take this part of what the last one has taken. */
const WORK_PER_REST = 1 / 3;

/** Cuts long work into slices between which others are served. */
export class Slices {
  #sliceEndsAt: number;
  #opened: number;
  #readersUntil = -Infinity;
  #restsAt = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly store: TokenStore,
  ) {
    this.#opened = store.opened;
    this.#sliceEndsAt = clock.monotonic() + SLICE_MS;
  }

  /** To be awaited after each piece of work. */
  async giveWay(): Promise<void> {
    const now = this.clock.monotonic();
    if (now < this.#sliceEndsAt) return;
    const { opened } = this.store;
    if (opened !== this.#opened) this.#readersUntil = now + READERS_MS;
    this.#opened = opened;
    await (now < this.#readersUntil && now >= this.#restsAt ? this.rest(now) : this.clock.turn());
    this.#sliceEndsAt = this.clock.monotonic() + SLICE_MS;
  }

  private async rest(now: number): Promise<void> {
    await this.clock.sleep(REST_MS);
    const woken = this.clock.monotonic();
    this.#restsAt = woken + (woken - now) * WORK_PER_REST;
  }
}
