import type { Clock } from './common/clock.js';
import type { IssuedAccessToken, ResolvedTokenRef } from './common/tokens.js';
import { type BegunRead, HeardCache } from './refresh/heard-cache.js';
import type { RowNews } from './refresh/row-news.js';

/** As much of a row as is needed to know how long its token may be kept. */
interface CachedRow {
  id: string;
  /** Until expiry. */
  msLeft: number | null;
  /** Until the refresh ahead of expiry is due, which only a read of the row begins. */
  msToDue: number | null;
}

const keyOf = (ref: ResolvedTokenRef): string =>
  JSON.stringify([ref.tenantId, ref.userId, ref.provider, ref.account]);

/** Access tokens that were fresh when read. */
export class TokenCache {
  readonly #tokens: HeardCache<IssuedAccessToken>;

  constructor(maxEntries: number, clock: Clock, news: RowNews) {
    this.#tokens = new HeardCache(maxEntries, clock, news);
  }

  /** The token if it stays valid for `minTtlMs`. */
  get(ref: ResolvedTokenRef, minTtlMs: number): IssuedAccessToken | undefined {
    return this.#tokens.get(keyOf(ref), minTtlMs);
  }

  /** Call before a read, hand the result to `set`: what has changed since is not cached. */
  begin(): BegunRead {
    return this.#tokens.begin();
  }

  set(ref: ResolvedTokenRef, token: IssuedAccessToken, row: CachedRow, begun: BegunRead): void {
    const { id, msLeft, msToDue } = row;
    this.#tokens.set(keyOf(ref), token, { rowIds: [id], msLeft, msKept: msToDue }, begun);
  }

  invalidate(ref: ResolvedTokenRef): void {
    this.#tokens.forget(keyOf(ref));
  }
}
