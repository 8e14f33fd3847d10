import { setImmediate, setTimeout } from 'node:timers/promises';
import { Clock } from '../common/clock.js';
import { wallClock } from '../common/clock.wall.js';
import { TokenInputError } from '../common/errors.js';

/** Not 0, which caches take for no time at all. */
const FIRST_MS = 1;
/** Caches read the clock no more than once in a real millisecond. */
const CACHED_MS = 2;

interface Sleeper {
  due: number;
  wake: () => void;
}

/**
 * A clock that stands still until it is advanced. What the library measures by its own clock follows: pauses between
 * attempts, lifetimes of caches, deadlines. Instants of stored tokens do not: they come from the database's clock.
 */
export class FixedClock extends Clock {
  #elapsed = 0;
  readonly #sleepers = new Set<Sleeper>();
  readonly #startsAt: number;

  /** `startsAt` in epoch milliseconds. Default: the machine's time. */
  constructor(startsAt = wallClock()) {
    super();
    this.#startsAt = startsAt;
  }

  /** The instant in epoch milliseconds, for `now` of the authorization server. */
  readonly now = (): number => this.#startsAt + this.#elapsed;

  /** How many are asleep: to be waited for before time goes on. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  override monotonic(): number {
    return FIRST_MS + this.#elapsed;
  }

  override async sleep(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return;
    await new Promise<void>((wake) => {
      this.#sleepers.add({ due: this.#elapsed + milliseconds, wake });
    });
  }

  override async turn(): Promise<void> {
    await setImmediate();
  }

  /**
   * Lets time pass. Sleepers wake in the order of their times, each at its own, and may go to sleep again before time
   * goes on; one that first waits for a database or a network does so after this has returned.
   * @throws TokenInputError for a time that goes backwards
   */
  async advance(milliseconds: number): Promise<void> {
    if (!Number.isFinite(milliseconds) || milliseconds < 0)
      throw new TokenInputError('milliseconds', 'must be a number, 0 or more');
    const until = this.#elapsed + milliseconds;
    for (let next = this.#firstUntil(until); next; next = this.#firstUntil(until)) {
      this.#sleepers.delete(next);
      this.#elapsed = Math.max(this.#elapsed, next.due);
      next.wake();
      await this.turn();
    }
    this.#elapsed = Math.max(this.#elapsed, until);
    await setTimeout(CACHED_MS);
  }

  #firstUntil(until: number): Sleeper | undefined {
    return [...this.#sleepers].filter(({ due }) => due <= until).toSorted((a, b) => a.due - b.due)[0];
  }
}
