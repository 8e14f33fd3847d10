import { LRUCache } from 'lru-cache';
import type { Clock } from './common/clock.js';
import type { IssuedAccessToken, ResolvedTokenRef } from './common/tokens.js';

/** Without news from other replicas a revocation there is seen here after this time. */
const TTL_MS = 1_000;

const keyOf = (ref: ResolvedTokenRef): string =>
  JSON.stringify([ref.tenantId, ref.userId, ref.provider, ref.account]);

/** Access tokens that were fresh when read, for one second. A change made by this process is seen at once. */
export class TokenCache {
  readonly #tokens: LRUCache<string, { token: IssuedAccessToken; freshUntil: number }>;
  #invalidations = 0;

  constructor(
    maxEntries: number,
    private readonly clock: Clock,
  ) {
    this.#tokens = new LRUCache({ max: maxEntries, ttl: TTL_MS, perf: { now: () => clock.monotonic() } });
  }

  /** The token if it stays valid for `minTtlMs`. */
  get(ref: ResolvedTokenRef, minTtlMs: number): IssuedAccessToken | undefined {
    const entry = this.#tokens.get(keyOf(ref));
    return entry && entry.freshUntil - this.clock.monotonic() > minTtlMs ? entry.token : undefined;
  }

  /** Call before a read, hand the result to `set`: what was invalidated during the read is not cached. */
  begin(): number {
    return this.#invalidations;
  }

  set(ref: ResolvedTokenRef, token: IssuedAccessToken, msLeft: number | null, begun: number): void {
    if (begun !== this.#invalidations) return;
    this.#tokens.set(keyOf(ref), {
      token,
      freshUntil: msLeft === null ? Infinity : this.clock.monotonic() + msLeft,
    });
  }

  invalidate(ref: ResolvedTokenRef): void {
    this.#invalidations++;
    this.#tokens.delete(keyOf(ref));
  }
}
