import type { Clock } from '../common/clock.js';
import type { TokenStore } from './token-store.js';

/** After so much work the event loop gets a turn, so that requests of this process hardly wait. */
const SLICE_MS = 0.3;
/** While this process hands tokens out it gets this long instead, and the database and the processor with it, */
const PAUSE_MS = 1;
/** until nobody was seen to read for this long. */
const READERS_MS = 250;

/** Cuts long work into slices between which others are served. */
export class Slices {
  #endsAt: number;
  #opened: number;
  #readersUntil = -Infinity;

  constructor(
    private readonly clock: Clock,
    private readonly store: TokenStore,
  ) {
    this.#opened = store.opened;
    this.#endsAt = clock.monotonic() + SLICE_MS;
  }

  /** To be awaited after each piece of work. */
  async giveWay(): Promise<void> {
    const now = this.clock.monotonic();
    if (now < this.#endsAt) return;
    const { opened } = this.store;
    if (opened !== this.#opened) this.#readersUntil = now + READERS_MS;
    this.#opened = opened;
    await (now < this.#readersUntil ? this.clock.sleep(PAUSE_MS) : this.clock.turn());
    this.#endsAt = this.clock.monotonic() + SLICE_MS;
  }
}
