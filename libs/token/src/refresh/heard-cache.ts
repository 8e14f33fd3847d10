import { LRUCache } from 'lru-cache';
import type { Clock } from '../common/clock.js';
import type { RowNews } from './row-news.js';

/** Without news from other replicas a change there is seen here after this time. */
const UNHEARD_MS = 1_000;
/** And with news a row is read again after this time, in case somebody has changed it without telling. */
const HEARD_MS = 60_000;
/** After news of everything, as of a destroyed key, for so long nothing is kept longer: not all has happened yet. */
const UNSETTLED_MS = 5_000;

interface Entry<T> {
  readonly value: T;
  readonly rowIds: readonly string[];
  readonly goodUntil: number;
  /** Whoever hears no news does not use it after this moment. */
  readonly unheardUntil: number;
  readonly heardUntil: number;
}

/** How long what was read may be kept, and which rows it comes from. */
export interface Kept {
  rowIds: readonly string[];
  /** Until it is of no use any more; null: never. */
  msLeft: number | null;
  /** Until it is to be read again even while news flow. */
  msKept: number | null;
}

/** When a read began, and after which change. */
export interface BegunRead {
  at: number;
  changes: number;
}

/**
 * What was read from rows, for a second; for up to a minute while it is heard what other replicas write, which then ends
 * it at once. A change made by this process is seen at once in any case.
 */
export class HeardCache<T extends object> {
  readonly #entries: LRUCache<string, Entry<T>>;
  readonly #keys = new Map<string, Set<string>>();
  /** The last changes of rows, or of the keys that they are kept under, numbered: what was read before is not kept. */
  readonly #changed: LRUCache<string, number>;
  #changes = 0;
  /** The last change of any row that `#changed` does not know any more. */
  #floor = 0;
  #settledAt = -Infinity;

  constructor(
    maxEntries: number,
    private readonly clock: Clock,
    private readonly news: RowNews,
  ) {
    this.#entries = new LRUCache({ max: maxEntries, dispose: (entry, key) => this.#unlink(entry, key) });
    this.#changed = new LRUCache({
      max: maxEntries,
      dispose: (change, _key, why) => {
        if (why === 'evict') this.#floor = Math.max(this.#floor, change);
      },
    });
    news.follow((rowId, settled) => {
      if (rowId === null) this.#drop(settled);
      else this.forget(rowId);
    });
  }

  /** What is kept, if it stays good for longer than `minMs`. */
  get(key: string, minMs = 0): T | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const now = this.clock.monotonic();
    if (entry.goodUntil - now <= minMs) return undefined;
    const { unheardUntil, heardUntil } = entry;
    return now < unheardUntil || (now < heardUntil && this.news.flowing) ? entry.value : undefined;
  }

  /** Call before a read, hand the result to `set`: what has changed since is not cached. */
  begin(): BegunRead {
    return { at: this.clock.monotonic(), changes: this.#changes };
  }

  set(key: string, value: T, { rowIds, msLeft, msKept }: Kept, { at, changes }: BegunRead): void {
    const known = [key, ...rowIds].map((name) => this.#changed.get(name) ?? 0);
    if (Math.max(this.#floor, ...known) > changes) return;
    const heardMs = at < this.#settledAt ? 0 : Math.min(HEARD_MS, msKept ?? HEARD_MS);
    this.#entries.set(key, {
      value,
      rowIds,
      goodUntil: msLeft === null ? Infinity : this.clock.monotonic() + msLeft,
      unheardUntil: at + UNHEARD_MS,
      heardUntil: at + heardMs,
    });
    for (const rowId of rowIds) this.#keys.set(rowId, (this.#keys.get(rowId) ?? new Set()).add(key));
  }

  /** What is kept under this key, or comes from this row. */
  forget(name: string): void {
    this.#changed.set(name, ++this.#changes);
    for (const key of this.#keys.get(name) ?? [name]) this.#entries.delete(key);
  }

  #drop(settled: boolean): void {
    this.#floor = ++this.#changes;
    if (!settled) this.#settledAt = this.clock.monotonic() + UNSETTLED_MS;
    this.#entries.clear();
  }

  #unlink({ rowIds }: Entry<T>, key: string): void {
    for (const rowId of rowIds) {
      const keys = this.#keys.get(rowId);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(rowId);
    }
  }
}
