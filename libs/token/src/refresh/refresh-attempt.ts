import type { Clock } from '../common/clock.js';
import {
  KeyUnavailableError,
  ProviderUnavailableError,
  ReauthorizationRequiredError,
} from '../common/errors.js';
import type { RefreshOutcome, TokenEvents } from '../common/events.js';
import { IssuedAccessToken } from '../common/tokens.js';
import { randomFraction } from '../crypto/random.js';
import type { Provider } from '../oauth/providers.js';
import { type Exchange, exchangeRefreshToken } from '../oauth/refresh-grant.js';
import { RevocationOutbox } from '../store/revocation-outbox.js';
import type { FullTokenRow } from '../store/token-rows.js';
import { type OpenedTokens, TokenStore } from '../store/token-store.js';
import { Claims, type HeldClaim } from './claims.js';
import { type Answer, judge } from './judgement.js';
import { persist } from './persistence.js';
import { backoffMs, HEARTBEAT_MS, mayReplay } from './policy.js';
import type { ResolvedRefreshOptions } from './refresh.options.js';

type Failure = Exclude<Exchange, Answer>;

export type AttemptResult =
  | { issued: IssuedAccessToken }
  /** The row was revoked or replaced meanwhile; the refresh token that nobody has taken, if the provider sent a new one. */
  | { orphan: string | null };

/** One claimed exchange: present the refresh token, persist what came, then say what it was worth. */
export class RefreshAttempt {
  constructor(
    private readonly claims: Claims,
    private readonly store: TokenStore,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
    private readonly options: ResolvedRefreshOptions,
    private readonly outbox: RevocationOutbox,
  ) {}

  /** Runs to its end whatever its callers do. @throws ReauthorizationRequiredError | ProviderUnavailableError */
  async run(
    row: FullTokenRow,
    before: OpenedTokens,
    claimId: string,
    provider: Provider,
  ): Promise<AttemptResult> {
    const started = this.clock.monotonic();
    const stopHeartbeat = this.startHeartbeat(row.id, claimId);
    try {
      const exchange = await exchangeRefreshToken(provider, before.refreshToken!);
      const elapsedMs = this.clock.monotonic() - started;
      const report = (outcome: RefreshOutcome, reason?: string): void =>
        this.events.emit({
          type: 'refresh',
          provider: row.provider,
          recordId: row.id,
          outcome,
          ...(reason && { reason }),
          durationSeconds: elapsedMs / 1000,
        });
      if (exchange.outcome === 'answered')
        return await this.accept(row, before, exchange, provider, elapsedMs, report);
      report(exchange.outcome, exchange.reason);
      return await this.refuse({ ...row, claimId, claimedAt: null }, row, exchange, provider);
    } finally {
      stopHeartbeat();
    }
  }

  /** Ends a row whose claimant has died with an unknown outcome that policy does not let anybody replay. */
  async abandon(row: FullTokenRow): Promise<void> {
    const failure = { failure: 'outcome_unknown', retryInMs: 0, outcomeUnknown: true, reauthorize: true };
    if (await this.claims.fail(row, failure)) this.reportReauthorization(row, 'outcome_unknown');
  }

  /**
   * After a log-out, a refresh token that came back too late is revoked at the provider. Never after a new log-in: many
   * providers revoke the user's whole grant with it, and so the new log-in as well.
   */
  async discard(token: string, { id: recordId, tenantId, provider }: FullTokenRow): Promise<void> {
    await persist(this.clock, () => this.outbox.add({ tenantId, provider, recordId, token }));
  }

  private async accept(
    row: FullTokenRow,
    before: OpenedTokens,
    answer: Answer,
    { options }: Provider,
    elapsedMs: number,
    report: (outcome: RefreshOutcome, reason?: string) => void,
  ): Promise<AttemptResult> {
    const timing = {
      elapsedMs,
      beforeExpirySeconds: this.options.beforeExpirySeconds,
      random: randomFraction(),
    };
    const { fault, tokens, write } = judge(answer, options, row, before, timing);
    const retryInMs = backoffMs(row.failures + 1, null, randomFraction());
    const quarantine = fault === null ? null : { failure: 'response_invalid', retryInMs };
    const stored = await persist(this.clock, () =>
      unlessShredded(() =>
        this.store.sealAndWrite(row, tokens, (cells) =>
          this.claims.commit(row.id, row.generation, { ...cells, ...write }, quarantine),
        ),
      ),
    );
    if (!stored) {
      report('superseded');
      return { orphan: tokens.refreshToken === before.refreshToken ? null : tokens.refreshToken };
    }
    if (fault !== null) {
      report('response_invalid', fault);
      throw new ProviderUnavailableError(row.provider, 'response_invalid', Math.ceil(retryInMs / 1000));
    }
    report('refreshed');
    const expiresAt = write.expiresInMs === null ? null : new Date(row.now + elapsedMs + write.expiresInMs);
    return {
      issued: new IssuedAccessToken(tokens.accessToken!, { ...write, expiresAt }, row.generation + 1),
    };
  }

  private async refuse(
    held: HeldClaim,
    row: FullTokenRow,
    { outcome, reason, retryAfterSeconds }: Failure,
    provider: Provider,
  ): Promise<AttemptResult> {
    const outcomeUnknown = outcome === 'outcome_unknown';
    const reauthorize = outcome === 'grant_rejected' || (outcomeUnknown && !mayReplay(provider.options, 0));
    const retryInMs = backoffMs(row.failures + 1, retryAfterSeconds, randomFraction());
    const current = await persist(this.clock, () =>
      this.claims.fail(held, { failure: outcome, retryInMs, outcomeUnknown, reauthorize }),
    );
    // The row has moved on: what the provider says is about tokens that are not stored any more.
    if (!current) return { orphan: null };
    if (!reauthorize)
      throw new ProviderUnavailableError(row.provider, `${outcome}: ${reason}`, Math.ceil(retryInMs / 1000));
    this.reportReauthorization(row, reason);
    throw new ReauthorizationRequiredError(row.provider, reason);
  }

  private reportReauthorization({ provider, id }: FullTokenRow, reason: string): void {
    this.events.emit({ type: 'reauthorization_required', provider, recordId: id, reason });
  }

  private startHeartbeat(rowId: string, claimId: string): () => void {
    const timer = setInterval(() => {
      // A missed beat shortens the lease; the next one, or the end of the lease, follows.
      this.claims.heartbeat(rowId, claimId).catch(() => undefined);
    }, HEARTBEAT_MS);
    timer.unref();
    return () => clearInterval(timer);
  }
}

/** A tenant that was shredded meanwhile has no key and gets none: its row is a tombstone, as after a log-out. */
async function unlessShredded(write: () => Promise<boolean>): Promise<boolean> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof KeyUnavailableError && error.reason === 'KEY_DESTROYED') return false;
    throw error;
  }
}
