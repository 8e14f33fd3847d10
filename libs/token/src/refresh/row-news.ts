import { LRUCache } from 'lru-cache';
import type { Clock } from '../common/clock.js';

/** For so long after the last question that was answered, nothing can have happened without being heard. */
const HEARD_MS = 1_000;

/** Of how many rows the last change is remembered; far more than change while one is read. */
const REMEMBERED = 10_000;

/**
 * Told of every row that has changed, and with null where any may have. Not `settled`: what belongs to this change may
 * still be going on.
 */
type Follower = (rowId: string | null, settled: boolean) => void;

/** What other replicas write, as it is heard: wakes who waits for a row, and tells caches what has ended. */
export class RowNews {
  readonly #waiting = new Map<string, Set<() => void>>();
  readonly #followers: Follower[] = [];
  /** The last changes of rows, numbered. */
  readonly #changed = new LRUCache<string, number>({ max: REMEMBERED });
  #changes = 0;
  /** The last change that may have been of any row. */
  #anyChange = 0;
  #heardAt = -Infinity;

  constructor(private readonly clock: Clock) {}

  follow(follower: Follower): void {
    this.#followers.push(follower);
  }

  /** Whether whatever was written until a second ago has been heard of. */
  get flowing(): boolean {
    return this.clock.monotonic() - this.#heardAt < HEARD_MS;
  }

  /** Everything that was written before this moment has been told. */
  heard(at: number): void {
    this.#heardAt = at;
  }

  /** Begins to hear: what was written before is not known. */
  begin(): void {
    this.changed(null, true);
    this.heard(this.clock.monotonic());
  }

  /** Nothing is heard any more; what was written since the last answer is not known. */
  deaf(): void {
    if (this.#heardAt === -Infinity) return;
    this.#heardAt = -Infinity;
    this.changed(null, true);
  }

  /** Call before a row is read, hand it to `hasChanged`. */
  mark(): number {
    return this.#changes;
  }

  /** Whether it was heard that the row has changed since the mark. */
  hasChanged(rowId: string, mark: number): boolean {
    return Math.max(this.#anyChange, this.#changed.get(rowId) ?? 0) > mark;
  }

  changed(rowId: string | null, settled = rowId !== null): void {
    this.#changes++;
    if (rowId === null) this.#anyChange = this.#changes;
    else this.#changed.set(rowId, this.#changes);
    for (const follower of this.#followers) follower(rowId, settled);
    const woken = rowId === null ? [...this.#waiting.values()] : [this.#waiting.get(rowId) ?? []];
    for (const wake of woken.flatMap((set) => [...set])) wake();
  }

  /** What `work` resolves with; null as soon as the row was changed meanwhile. @throws what `work` does */
  async unlessChanged<T>(rowId: string, work: Promise<T>): Promise<T | null> {
    const waiting = this.#waiting.get(rowId) ?? new Set();
    this.#waiting.set(rowId, waiting);
    let wake!: () => void;
    const changed = new Promise<null>((resolve) => {
      wake = () => resolve(null);
      waiting.add(wake);
    });
    try {
      return await Promise.race([changed, work]);
    } finally {
      waiting.delete(wake);
      if (waiting.size === 0 && this.#waiting.get(rowId) === waiting) this.#waiting.delete(rowId);
    }
  }
}
