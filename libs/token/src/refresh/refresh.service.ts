import type { Clock } from '../common/clock.js';
import {
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  TokenNotFoundError,
} from '../common/errors.js';
import { IssuedAccessToken, type ResolvedTokenRef } from '../common/tokens.js';
import { lookupHash } from '../crypto/lookup-hash.js';
import { randomFraction, randomId } from '../crypto/random.js';
import { type Provider, Providers } from '../oauth/providers.js';
import { isOutdated } from '../store/open-current.js';
import { type FullTokenRow, TokenRows } from '../store/token-rows.js';
import { type OpenedTokens, TokenStore } from '../store/token-store.js';
import { Claims } from './claims.js';
import { persist } from './persistence.js';
import { claimDecision, LEASE_MS, millisecondsLeft } from './policy.js';
import { type AttemptResult, RefreshAttempt } from './refresh-attempt.js';
import { SingleFlight } from './single-flight.js';

/** Refreshes a row once per cluster: joined within the process, claimed in the row between processes. */
export class RefreshService {
  readonly #flights = new SingleFlight<IssuedAccessToken>();
  readonly #releases = new SingleFlight<void>();

  constructor(
    private readonly rows: TokenRows,
    private readonly store: TokenStore,
    private readonly providers: Providers,
    private readonly claims: Claims,
    private readonly attempt: RefreshAttempt,
    private readonly clock: Clock,
  ) {}

  /**
   * A token newer than generation `seen`: by an exchange, or by waiting for whoever is at it.
   * @throws TokenNotFoundError | ReauthorizationRequiredError | ProviderUnavailableError | DecryptionError | KeyUnavailableError
   */
  async newerThan(seen: number, ref: ResolvedTokenRef): Promise<IssuedAccessToken> {
    const key = lookupHash([ref.tenantId, ref.userId, ref.provider, ref.account, String(seen)]);
    return this.#flights.run(key, () => this.refresh(seen, ref));
  }

  /** Resolves when no exchange of this process is in flight. */
  async settled(): Promise<void> {
    await this.#flights.settled();
    await this.#releases.settled();
  }

  private async refresh(seen: number, ref: ResolvedTokenRef): Promise<IssuedAccessToken> {
    const provider = this.providers.get(ref.provider);
    const deadline = this.clock.monotonic() + LEASE_MS + provider.timeoutSeconds * 2000;
    while (this.clock.monotonic() < deadline) {
      const row = refreshable(await this.rows.findFull(ref), ref);
      if (
        row.generation > seen &&
        row.accessCt !== null &&
        row.lastFailure !== 'response_invalid' &&
        (millisecondsLeft(row) ?? 1) > 0
      ) {
        const value = await this.unlessOutdated(() => this.store.open(row, 'accessCt', row.accessCt!));
        if (value === null) continue;
        return issuedFrom(row, value);
      }
      if (row.refreshCt === null) {
        throw new ReauthorizationRequiredError(
          ref.provider,
          'the access token cannot be used any more and there is no refresh token',
        );
      }
      if (row.retryAfter !== null && row.retryAfter > row.now) {
        throw new ProviderUnavailableError(
          ref.provider,
          row.lastFailure ?? 'backing off',
          Math.ceil((row.retryAfter - row.now) / 1000),
        );
      }
      const decision = claimDecision(row, provider.options);
      if (decision === 'reauthorize') await this.attempt.abandon(row);
      else if (decision === 'wait') await this.clock.sleep(50 + randomFraction() * 100);
      else {
        // Opened before the claim: a row that cannot be opened must not be claimed.
        const before = await this.unlessOutdated(() => this.store.openAll(row));
        if (before === null) continue;
        // And nothing is presented whose answer could not be sealed.
        await this.store.assertSeals(row);
        const result = await this.claimAndRun(row, before, provider);
        if ('issued' in result) return result.issued;
        if (result.orphan !== null) await this.settle(result.orphan, row);
      }
    }
    throw new ProviderUnavailableError(
      ref.provider,
      'another replica has been refreshing this token for too long',
      1,
    );
  }

  /** Null when the row has to be read again: its key was retired since, so it is under another one by now. */
  private async unlessOutdated<T>(open: () => Promise<T>): Promise<T | null> {
    try {
      return await open();
    } catch (error) {
      if (isOutdated(error)) return null;
      throw error;
    }
  }

  /** A refresh token that came back too late: after a log-out nobody owns it. */
  private async settle(orphan: string, row: FullTokenRow): Promise<void> {
    const current = await persist(this.clock, () => this.rows.findFull(row));
    if (current === null || current.status === 'revoked') await this.attempt.discard(orphan, row);
  }

  private async claimAndRun(
    row: FullTokenRow,
    before: OpenedTokens,
    provider: Provider,
  ): Promise<AttemptResult> {
    const claimId = randomId();
    try {
      if (!(await this.claims.claim(row, claimId))) return { orphan: null };
    } catch (error) {
      // Perhaps claimed, certainly not presented: others need not take it for a lost refresh token.
      this.#releases
        .run(claimId, () => persist(this.clock, () => this.claims.release(row, claimId)))
        .catch(() => undefined);
      throw error;
    }
    return this.attempt.run(row, before, claimId, provider);
  }
}

/** @throws TokenNotFoundError | ReauthorizationRequiredError */
export function refreshable<Row extends { status: string; lastFailure: string | null }>(
  row: Row | null,
  ref: ResolvedTokenRef,
): Row {
  if (!row || row.status === 'revoked') throw new TokenNotFoundError(ref.provider);
  if (row.status === 'reauthorization_required')
    throw new ReauthorizationRequiredError(ref.provider, row.lastFailure ?? 'the grant is no longer valid');
  return row;
}

export function issuedFrom(
  row: Pick<FullTokenRow, 'expiresAt' | 'tokenType' | 'scope' | 'generation'>,
  value: string,
): IssuedAccessToken {
  const expiresAt = row.expiresAt === null ? null : new Date(row.expiresAt);
  return new IssuedAccessToken(
    value,
    { expiresAt, tokenType: row.tokenType, scope: row.scope },
    row.generation,
  );
}
