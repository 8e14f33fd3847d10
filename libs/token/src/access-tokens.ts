import { ProviderUnavailableError, ReauthorizationRequiredError, type TokenError } from './common/errors.js';
import type { TokenEvents } from './common/events.js';
import { IssuedAccessToken, type ResolvedTokenRef } from './common/tokens.js';
import { issuedFrom, refreshable } from './refresh/engine.js';
import { HELD } from './refresh/hold.js';
import { freshness, millisecondsLeft } from './refresh/policy.js';
import type { RefreshService } from './refresh/refresh.service.js';
import { openCurrent } from './store/open-current.js';
import type { ReadableTokenRow, TokenRows } from './store/token-rows.js';
import type { TokenStore } from './store/token-store.js';
import type { TokenCache } from './token.cache.js';

/** What one caller asks for. */
interface Wanted {
  ref: ResolvedTokenRef;
  minTtlSeconds: number;
  force: boolean | IssuedAccessToken;
  /** Of the read that may fill the cache. */
  begun: ReturnType<TokenCache['begin']> | null;
  /** When, by the monotonic clock. */
  askedAt: number;
}

/** The way to a valid access token: from memory, from the database, or by a refresh. */
export class AccessTokens {
  constructor(
    private readonly rows: TokenRows,
    private readonly store: TokenStore,
    private readonly refresher: RefreshService,
    private readonly cache: TokenCache | null,
    private readonly events: TokenEvents,
  ) {}

  /** `force`: a newer one than the stored one, or than the one that an API has refused. @throws as `TokenService.getAccessToken` */
  async find(
    ref: ResolvedTokenRef,
    minTtlSeconds: number,
    force: boolean | IssuedAccessToken,
  ): Promise<IssuedAccessToken> {
    const { cache, events } = this;
    const cached = force ? undefined : cache?.get(ref, minTtlSeconds * 1000);
    if (cached) {
      events.emit({ type: 'token_read', source: 'cache' });
      return cached;
    }
    const begun = cache?.begin() ?? null;
    return this.refresher.serve((askedAt) =>
      openCurrent(
        async () => refreshable(await this.rows.find(ref), ref),
        async (row) => {
          const token = await this.useRow(row, { ref, minTtlSeconds, force, begun, askedAt });
          // A moment early, which makes the time that is left no longer than it is.
          IssuedAccessToken.readAt(token, row.now, askedAt);
          return token;
        },
      ),
    );
  }

  private async useRow(
    row: ReadableTokenRow,
    { ref, minTtlSeconds, force, begun, askedAt }: Wanted,
  ): Promise<IssuedAccessToken> {
    const { cache, events } = this;
    // Where nobody can get a newer one now, it serves to its end.
    const usable = this.refresher.isHeldUp(ref.provider) ? { ...row, hasRefreshToken: false } : row;
    const state = freshness(usable, minTtlSeconds);
    const seen = force instanceof IssuedAccessToken ? IssuedAccessToken.generationOf(force) : row.generation;
    const refused = force === true || (force !== false && seen >= row.generation);
    if (refused || state === 'stale') {
      try {
        const newer = await this.refresh(
          Math.max(seen, state === 'stale' ? row.generation : 0),
          ref,
          askedAt,
        );
        events.emit({ type: 'token_read', source: 'refresh' });
        return newer;
      } catch (error) {
        if (refused || !isAboutNow(error)) throw error;
        return await this.stillValid(row, ref, error);
      }
    }
    // Still valid: nobody waits. Whatever goes wrong is in the events, and the next call asks again.
    if (state === 'due') this.refresh(row.generation, ref, askedAt).catch(() => undefined);
    const token = issuedFrom(row, await this.store.openAccess({ ...row, tenantId: ref.tenantId }));
    const msToDue = row.refreshAfter === null ? null : row.refreshAfter - row.now;
    if (state === 'fresh' && begun !== null)
      cache?.set(ref, token, { id: row.id, msLeft: millisecondsLeft(row), msToDue }, begun);
    events.emit({ type: 'token_read', source: 'database' });
    return token;
  }

  /** The token that nobody could refresh, if it has not expired by now. @throws `failure` otherwise */
  private async stillValid(
    before: ReadableTokenRow,
    ref: ResolvedTokenRef,
    failure: TokenError,
  ): Promise<IssuedAccessToken> {
    // Of one that had expired before there is nothing to look for: an outage must not double the reads.
    if (!isValid(before)) throw failure;
    const token = await openCurrent(
      async () => refreshable(await this.rows.find(ref), ref),
      async (row) => {
        if (!isValid(row)) throw failure;
        return issuedFrom(row, await this.store.openAccess({ ...row, tenantId: ref.tenantId }));
      },
    );
    this.events.emit({ type: 'token_read', source: 'database' });
    return token;
  }

  private async refresh(seen: number, ref: ResolvedTokenRef, askedAt: number): Promise<IssuedAccessToken> {
    try {
      return await this.refresher.newerThan(seen, ref, askedAt);
    } finally {
      this.cache?.invalidate(ref);
    }
  }
}

const isValid = (row: ReadableTokenRow): boolean => row.accessCt !== null && (millisecondsLeft(row) ?? 1) > 0;

/** Nobody can get a newer token now, which says nothing against the one that is stored. */
const isAboutNow = (error: unknown): error is TokenError =>
  error instanceof ProviderUnavailableError ||
  (error instanceof ReauthorizationRequiredError && error.reason === HELD);
