import type { Clock } from '../common/clock.js';
import { ProviderUnavailableError, ReauthorizationRequiredError, TokenInputError } from '../common/errors.js';
import type { RefreshOutcome, TokenEvents } from '../common/events.js';
import { IssuedAccessToken } from '../common/tokens.js';
import { randomFraction } from '../crypto/random.js';
import { idTokenFault } from '../oauth/id-token.js';
import { lifetimeSeconds } from '../oauth/lifetime.js';
import type { Provider } from '../oauth/providers.js';
import { type Exchange, exchangeRefreshToken } from '../oauth/refresh-grant.js';
import { revokeAtProvider } from '../oauth/revocation.js';
import { parseTokenResponse, type ReceivedTokens, refreshTokenOf } from '../oauth/token-response.js';
import { FencedWriteError, type FullTokenRow, type SealedCells } from '../store/token-rows.js';
import { type OpenedTokens, TokenStore } from '../store/token-store.js';
import { Claims, type Quarantine } from './claims.js';
import { backoffMs, HEARTBEAT_MS, mayReplay, refreshInMs } from './policy.js';
import type { ResolvedRefreshOptions } from './refresh.options.js';

type Answer = Extract<Exchange, { outcome: 'answered' }>;
type Failure = Exclude<Exchange, Answer>;

const PERSIST_ATTEMPTS = 300;

/** One claimed exchange: present the refresh token, persist what came, then judge it. */
export class RefreshAttempt {
  constructor(
    private readonly claims: Claims,
    private readonly store: TokenStore,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
    private readonly options: ResolvedRefreshOptions,
  ) {}

  /**
   * Runs to its end whatever its callers do. Null when the row was revoked or replaced meanwhile.
   * @throws ReauthorizationRequiredError | ProviderUnavailableError
   */
  async run(
    row: FullTokenRow,
    opened: OpenedTokens,
    claimId: string,
    provider: Provider,
  ): Promise<IssuedAccessToken | null> {
    const started = this.clock.monotonic();
    const stopHeartbeat = this.startHeartbeat(row.id, claimId);
    try {
      const exchange = await exchangeRefreshToken(provider, opened.refreshToken!);
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
        return await this.accept(row, opened, exchange, provider, elapsedMs, report);
      report(exchange.outcome, exchange.reason);
      const error = await this.refuse({ ...row, claimId }, exchange, provider);
      if (error) throw error;
      return null;
    } finally {
      stopHeartbeat();
    }
  }

  private async accept(
    row: FullTokenRow,
    opened: OpenedTokens,
    answer: Answer,
    provider: Provider,
    elapsedMs: number,
    report: (outcome: RefreshOutcome, reason?: string) => void,
  ): Promise<IssuedAccessToken | null> {
    const { tokens, fault } = this.judge(answer, provider, opened.idToken);
    const refreshToken = tokens?.refreshToken ?? refreshTokenOf(answer.json) ?? opened.refreshToken;
    const lifetime =
      tokens && lifetimeSeconds(tokens, row.lifetimeSeconds, provider.options.defaultLifetimeSeconds ?? null);
    const expiresInMs = lifetime === null ? null : Math.max(0, Math.round(lifetime * 1000 - elapsedMs));
    const quarantine =
      fault === null
        ? null
        : { failure: 'response_invalid', retryInMs: backoffMs(row.failures + 1, null, randomFraction()) };
    const kept = {
      accessToken: tokens?.accessToken ?? null,
      refreshToken,
      idToken: tokens?.idToken ?? opened.idToken,
    };
    const scope = tokens?.scope ?? row.scope;
    const tokenType = tokens?.tokenType ?? row.tokenType;
    const stored = await this.persist(row, kept, quarantine, {
      tokenType,
      scope,
      lifetimeSeconds: tokens ? lifetime : row.lifetimeSeconds,
      expiresInMs,
      refreshInMs: refreshInMs(expiresInMs, this.options.beforeExpirySeconds, randomFraction()),
    });
    if (!stored) {
      report('superseded');
      await this.discard(row, refreshToken, provider);
      return null;
    }
    if (!tokens) {
      report('response_invalid', fault ?? undefined);
      throw new ProviderUnavailableError(
        row.provider,
        'response_invalid',
        Math.ceil(quarantine!.retryInMs / 1000),
      );
    }
    report('refreshed');
    const expiresAt = expiresInMs === null ? null : new Date(row.now + elapsedMs + expiresInMs);
    return new IssuedAccessToken(tokens.accessToken, { expiresAt, tokenType, scope }, row.generation + 1);
  }

  /** Whether an answer may be used. A fault quarantines its access token. */
  private judge(
    answer: Answer,
    { options }: Provider,
    previousIdToken: string | null,
  ): { tokens: ReceivedTokens | null; fault: string | null } {
    if (answer.invalid !== null) return { tokens: null, fault: answer.invalid };
    try {
      const tokens = parseTokenResponse(answer.json);
      const fault = tokens.idToken === null ? null : idTokenFault(tokens.idToken, options, previousIdToken);
      return fault === null ? { tokens, fault } : { tokens: null, fault: `ID token ${fault}` };
    } catch (error) {
      if (error instanceof TokenInputError) return { tokens: null, fault: error.message };
      throw error;
    }
  }

  /** The provider may have consumed the old refresh token: as long as this process lives, the new one is not given up. */
  private async persist(
    row: FullTokenRow,
    tokens: OpenedTokens,
    quarantine: Quarantine | null,
    rest: Omit<Parameters<Claims['commit']>[2], keyof SealedCells>,
  ): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.store.sealAndWrite(row, tokens, (cells) =>
          this.claims.commit(row.id, row.generation, { ...cells, ...rest }, quarantine),
        );
      } catch (error) {
        if (error instanceof FencedWriteError || attempt === PERSIST_ATTEMPTS) throw error;
        await this.clock.sleep(Math.min(2_000, 50 * 2 ** Math.min(attempt, 6)));
      }
    }
  }

  /** Null when the row has moved on meanwhile: what the provider says is about tokens that are not stored any more. */
  private async refuse(
    row: FullTokenRow,
    { outcome, reason, retryAfterSeconds }: Failure,
    provider: Provider,
  ): Promise<Error | null> {
    const outcomeUnknown = outcome === 'outcome_unknown';
    const reauthorize = outcome === 'grant_rejected' || (outcomeUnknown && !mayReplay(provider.options, 0));
    const retryInMs = backoffMs(row.failures + 1, retryAfterSeconds, randomFraction());
    const current = await this.claims.fail(row, {
      failure: outcome,
      retryInMs,
      outcomeUnknown,
      reauthorize,
    });
    if (!current) return null;
    if (!reauthorize)
      return new ProviderUnavailableError(row.provider, `${outcome}: ${reason}`, Math.ceil(retryInMs / 1000));
    this.events.emit({ type: 'reauthorization_required', provider: row.provider, recordId: row.id, reason });
    return new ReauthorizationRequiredError(row.provider, reason);
  }

  /** The row was revoked or replaced during the exchange: what the provider issued must not stay alive unowned. */
  private async discard(row: FullTokenRow, refreshToken: string | null, provider: Provider): Promise<void> {
    const failed = refreshToken === null ? null : await revokeAtProvider(provider, refreshToken);
    if (failed)
      this.events.emit({
        type: 'revocation_failed',
        provider: row.provider,
        recordId: row.id,
        reason: failed,
      });
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
