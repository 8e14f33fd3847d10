import { LRUCache } from 'lru-cache';
import type { Clock } from './common/clock.js';
import type { IssuedAccessToken, ResolvedTokenRef } from './common/tokens.js';
import type { RowNews } from './refresh/row-news.js';

/** Without news from other replicas a revocation there is seen here after this time. */
const UNHEARD_MS = 1_000;
/** And with news a token is read again after this time, in case somebody has changed the row without telling. */
const HEARD_MS = 60_000;
/** After news of everything, as of a destroyed key, for so long nothing is kept longer: not all has happened yet. */
const UNSETTLED_MS = 5_000;

interface Entry {
  readonly token: IssuedAccessToken;
  readonly rowId: string;
  readonly freshUntil: number;
  /** Whoever hears no news does not use it after this moment. */
  readonly unheardUntil: number;
  readonly heardUntil: number;
}

/** As much of a row as is needed to know how long its token may be kept. */
interface CachedRow {
  id: string;
  /** Until expiry. */
  msLeft: number | null;
  /** Until the refresh ahead of expiry is due, which only a read of the row begins. */
  msToDue: number | null;
}

/** When a read began, and after which change. */
interface BegunRead {
  at: number;
  changes: number;
}

const keyOf = (ref: ResolvedTokenRef): string =>
  JSON.stringify([ref.tenantId, ref.userId, ref.provider, ref.account]);

/**
 * Access tokens that were fresh when read, for a second; for up to a minute while it is heard what other replicas write,
 * which then ends them at once. A change made by this process is seen at once in any case.
 */
export class TokenCache {
  readonly #tokens: LRUCache<string, Entry>;
  readonly #keys = new Map<string, string>();
  /** The last changes of rows, or of the keys of their refs, numbered: what was read before is not kept. */
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
    this.#tokens = new LRUCache({ max: maxEntries, dispose: ({ rowId }) => this.#keys.delete(rowId) });
    this.#changed = new LRUCache({
      max: maxEntries,
      dispose: (change, _key, why) => {
        if (why === 'evict') this.#floor = Math.max(this.#floor, change);
      },
    });
    news.follow((rowId, settled) => {
      if (rowId === null) this.#drop(settled);
      else this.#forget(rowId, this.#keys.get(rowId));
    });
  }

  /** The token if it stays valid for `minTtlMs`. */
  get(ref: ResolvedTokenRef, minTtlMs: number): IssuedAccessToken | undefined {
    const entry = this.#tokens.get(keyOf(ref));
    if (!entry) return undefined;
    const now = this.clock.monotonic();
    if (entry.freshUntil - now <= minTtlMs) return undefined;
    const { unheardUntil, heardUntil } = entry;
    return now < unheardUntil || (now < heardUntil && this.news.flowing) ? entry.token : undefined;
  }

  /** Call before a read, hand the result to `set`: what has changed since is not cached. */
  begin(): BegunRead {
    return { at: this.clock.monotonic(), changes: this.#changes };
  }

  set(ref: ResolvedTokenRef, token: IssuedAccessToken, row: CachedRow, { at, changes }: BegunRead): void {
    const key = keyOf(ref);
    const changed = Math.max(this.#changed.get(key) ?? 0, this.#changed.get(row.id) ?? 0, this.#floor);
    if (changed > changes) return;
    const heardMs = at < this.#settledAt ? 0 : Math.min(HEARD_MS, row.msToDue ?? HEARD_MS);
    this.#tokens.set(key, {
      token,
      rowId: row.id,
      freshUntil: row.msLeft === null ? Infinity : this.clock.monotonic() + row.msLeft,
      unheardUntil: at + UNHEARD_MS,
      heardUntil: at + heardMs,
    });
    this.#keys.set(row.id, key);
  }

  invalidate(ref: ResolvedTokenRef): void {
    const key = keyOf(ref);
    this.#forget(key, key);
  }

  #forget(changed: string, key: string | undefined): void {
    this.#changed.set(changed, ++this.#changes);
    if (key !== undefined) this.#tokens.delete(key);
  }

  #drop(settled: boolean): void {
    this.#floor = ++this.#changes;
    if (!settled) this.#settledAt = this.clock.monotonic() + UNSETTLED_MS;
    this.#tokens.clear();
  }
}
