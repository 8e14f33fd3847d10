import type { Clock } from './common/clock.js';
import { DecryptionError, TokenError, TokenInputError } from './common/errors.js';
import type { TokenEvents } from './common/events.js';
import type { ResolvedTokenRef } from './common/tokens.js';
import { randomFraction, randomId } from './crypto/random.js';
import { idTokenFault } from './oauth/id-token.js';
import { lifetimeSeconds } from './oauth/lifetime.js';
import type { Provider } from './oauth/providers.js';
import type { ReceivedTokens } from './oauth/token-response.js';
import { isHeld, mayBeStale } from './refresh/hold.js';
import { claimDecision, refreshInMs } from './refresh/policy.js';
import type { Presences } from './refresh/presences.js';
import type { ResolvedRefreshOptions } from './refresh/refresh.options.js';
import { openCurrent } from './store/open-current.js';
import { type FullTokenRow, type SealedCells, TokenRows, type TokenWrite } from './store/token-rows.js';
import { type OpenedTokens, TokenStore } from './store/token-store.js';

const ATTEMPTS = 10;
const CLAIM_POLL_MS = 100;
/** 45 seconds: longer than a refresh takes at the default time-out. Whoever logs in does not wait for more. */
const CLAIM_POLLS = 450;
const NOTHING: OpenedTokens = { accessToken: null, refreshToken: null, idToken: null, dpopKey: null };

/** Writes what a log-in brought. Every write is conditional on the row as it was read. */
export class TokenWriter {
  constructor(
    private readonly rows: TokenRows,
    private readonly store: TokenStore,
    private readonly events: TokenEvents,
    private readonly clock: Clock,
    private readonly options: ResolvedRefreshOptions,
    private readonly presences: Presences,
  ) {}

  /**
   * @throws TokenInputError when the ID token is not this client's or belongs to another user; nothing is stored then
   * @throws DecryptionError when the set lacks the refresh token that the stored row has but that cannot be opened
   */
  async write(
    ref: ResolvedTokenRef,
    received: ReceivedTokens,
    provider: Provider,
    dpopKey: string | null,
  ): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const { row, before } = await openCurrent(
        () => this.unclaimed(ref, received.refreshToken === null, provider),
        async (found) => ({
          row: found,
          before:
            found === null ? NOTHING : await this.openForReplacement(found, received.refreshToken !== null),
        }),
      );
      const fault =
        received.idToken === null ? null : idTokenFault(received.idToken, provider.options, before.idToken);
      if (fault !== null) throw new TokenInputError('id_token', fault, 'ID_TOKEN_REJECTED');
      const id = row?.id ?? randomId();
      // Many providers send a refresh token at the first consent only: a later log-in without one keeps it.
      const keeps =
        received.refreshToken === null &&
        row !== null &&
        row.status === 'active' &&
        !this.isStale(row, provider) &&
        claimDecision(row, provider.options, await this.presences.of(row)) === 'claim' &&
        !isBoundElsewhere(before.dpopKey, dpopKey, provider);
      const tokens = {
        ...received,
        refreshToken: keeps ? before.refreshToken : received.refreshToken,
        dpopKey: dpopKey ?? (keeps ? before.dpopKey : null),
      };
      const write = this.writeOf(received, row, provider);
      const stored = await this.store.sealAndWrite({ tenantId: ref.tenantId, id }, tokens, (cells) =>
        row === null
          ? this.rows.insert(id, ref, { ...cells, ...write })
          : this.rows.replace(row, { ...cells, ...write }, keeps),
      );
      if (stored) {
        this.events.emit({
          type: 'token_stored',
          provider: ref.provider,
          recordId: id,
          generation: (row?.generation ?? 0) + 1,
        });
        return;
      }
    }
    throw new TokenError(
      'WRITE_CONFLICT',
      'The token set kept changing while it was being stored; nothing was stored. Try again.',
    );
  }

  /** The row; when its refresh token is to be kept, after a refresh that may be consuming it. */
  private async unclaimed(
    ref: ResolvedTokenRef,
    keepsRefreshToken: boolean,
    provider: Provider,
  ): Promise<FullTokenRow | null> {
    for (let poll = 0; poll < CLAIM_POLLS; poll++) {
      const row = await this.rows.findFull(ref);
      if (
        row === null ||
        !keepsRefreshToken ||
        row.status !== 'active' ||
        claimDecision(row, provider.options, await this.presences.of(row)) !== 'wait'
      )
        return row;
      await this.clock.sleep(CLAIM_POLL_MS);
    }
    throw new TokenError(
      'WRITE_CONFLICT',
      'The stored refresh token is in use for too long; nothing was stored. Try again.',
    );
  }

  /** Kept by a log-in it would look as if it were new. */
  private isStale(row: FullTokenRow, provider: Provider): boolean {
    return (
      this.options.afterRestore === 'hold' && mayBeStale(provider) && (!row.lineage.known || isHeld(row))
    );
  }

  private writeOf(
    received: ReceivedTokens,
    row: FullTokenRow | null,
    { options }: Provider,
  ): Omit<TokenWrite, keyof SealedCells> {
    const lifetime = lifetimeSeconds(
      received,
      row?.lifetimeSeconds ?? null,
      options.defaultLifetimeSeconds ?? null,
    );
    const expiresInMs = lifetime === null ? null : lifetime * 1000;
    return {
      tokenType: received.tokenType,
      scope: received.scope ?? options.scope ?? null,
      lifetimeSeconds: lifetime,
      expiresInMs,
      refreshInMs: refreshInMs(
        expiresInMs,
        this.options.beforeExpirySeconds,
        randomFraction(),
        options.idleExpirySeconds,
      ),
    };
  }

  /** A full new token set may replace a row that cannot be decrypted; one without a refresh token would lose what is there. */
  private async openForReplacement(row: FullTokenRow, full: boolean): Promise<OpenedTokens> {
    try {
      return await this.store.openAll(row);
    } catch (error) {
      if (error instanceof DecryptionError && (full || row.refreshCt === null)) return NOTHING;
      throw error;
    }
  }
}

/** A public client's refresh token works with the key of its own log-in only (RFC 9449 §5), and a row has one key. */
const isBoundElsewhere = (before: string | null, now: string | null, provider: Provider): boolean =>
  provider.isPublic && before !== null && now !== null && before !== now;
