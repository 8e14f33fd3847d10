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
import { persist } from './refresh/persistence.js';
import { claimDecision, refreshInMs } from './refresh/policy.js';
import type { Presences } from './refresh/presences.js';
import type { ResolvedRefreshOptions } from './refresh/refresh.options.js';
import { RevocationService } from './revocation/revocation.service.js';
import { isOutdated, openCurrent } from './store/open-current.js';
import type { NewRevocation } from './store/revocation-rows.js';
import {
  FencedWriteError,
  type FullTokenRow,
  type SealedCells,
  type TokenFilter,
  TokenRows,
  type TokenWrite,
} from './store/token-rows.js';
import { type OpenedTokens, TokenStore } from './store/token-store.js';

const ATTEMPTS = 10;
const REREADS = 6;
const CLAIM_POLL_MS = 100;
/** 45 seconds: longer than a refresh takes at the default time-out. Whoever logs in does not wait for more. */
const CLAIM_POLLS = 450;
const REVOKED_AT_ONCE = 100;
const PARALLEL_REVOCATIONS = 4;
const NOTHING: OpenedTokens = { accessToken: null, refreshToken: null, idToken: null, dpopKey: null };

/** Writes what a log-in brought, and erases what a log-out ends. Every write is conditional on the row as it was read. */
export class TokenWriter {
  constructor(
    private readonly rows: TokenRows,
    private readonly store: TokenStore,
    private readonly events: TokenEvents,
    private readonly clock: Clock,
    private readonly options: ResolvedRefreshOptions,
    private readonly outbox: RevocationService,
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

  /** Local at once; then at the provider, by way of the outbox, which does not undo the log-out if it fails. */
  async revoke(ref: ResolvedTokenRef, erased: (ref: ResolvedTokenRef) => void): Promise<void> {
    await this.revokeOne(ref, null, 'now', erased);
  }

  /** All that these fields match: local at once, and the outbox has the rest. How many. */
  async revokeAll(filter: TokenFilter, erased: (ref: ResolvedTokenRef) => void): Promise<number> {
    let revoked = 0;
    for (let afterId = ''; ;) {
      const page = await this.rows.findRevocable(filter, afterId, REVOKED_AT_ONCE);
      const rows = [...page];
      const worker = async (): Promise<void> => {
        for (let row = rows.shift(); row; row = rows.shift())
          if (await this.revokeOne(row, row, 'later', erased)) revoked++;
      };
      const ended = await Promise.allSettled(Array.from({ length: PARALLEL_REVOCATIONS }, worker));
      const failed = ended.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
      if (page.length < REVOKED_AT_ONCE) return revoked;
      afterId = page.at(-1)!.id;
    }
  }

  /** Whether it was this call that has ended the row. `seen` is the row as it was read, null where it was not. */
  private async revokeOne(
    ref: ResolvedTokenRef,
    seen: FullTokenRow | null,
    tries: 'now' | 'later',
    erased: (ref: ResolvedTokenRef) => void,
  ): Promise<boolean> {
    let failure: unknown = null;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const row = attempt === 0 && seen !== null ? seen : await this.rows.findFull(ref);
      if (row === null || row.status === 'revoked') return false;
      try {
        const token = await this.revocable(row, attempt === 0);
        if (await this.end(row, token, tries, erased)) return true;
      } catch (error) {
        if (isOutdated(error)) continue;
        // The transaction was rolled back, or never begun: once more, since a log-out is not asked for twice.
        if (failure !== null) throw error;
        failure = error;
      }
    }
    throw new TokenError(
      'WRITE_CONFLICT',
      'The token set kept changing while it was being revoked. Try again.',
    );
  }

  private async end(
    row: FullTokenRow,
    token: string | null,
    tries: 'now' | 'later',
    erased: (ref: ResolvedTokenRef) => void,
  ): Promise<boolean> {
    const { id: recordId, tenantId, provider } = row;
    const report = (): void => {
      erased(row);
      this.events.emit({ type: 'token_revoked', provider, recordId });
    };
    if (token === null) {
      if (!(await this.erase(row, null))) return false;
      report();
      this.outbox.reportFailure(provider, recordId, 'token_unreadable');
      return true;
    }
    const revocable = { tenantId, provider, recordId, token };
    const { entry, result } = await this.outbox.enter(revocable, tries, (sealed) => this.erase(row, sealed));
    if (!result) return false;
    report();
    if (tries === 'now' || entry === null) await this.outbox.tryNow(revocable, entry);
    return true;
  }

  /** The refresh token, with which many providers revoke the whole grant; else the access token. */
  private async revocable(row: FullTokenRow, strict: boolean): Promise<string | null> {
    return (
      (await this.openIfPossible(row, 'refreshCt', strict)) ??
      (await this.openIfPossible(row, 'accessCt', strict))
    );
  }

  private async erase(row: FullTokenRow, entry: NewRevocation | null): Promise<boolean> {
    try {
      return await this.rows.revoke(row.id, row.generation, entry);
    } catch (error) {
      if (error instanceof FencedWriteError) throw error;
      // Perhaps only the answer was lost. The entry is in the outbox then.
      const current = await persist(this.clock, () => this.rows.findFull(row), { attempts: REREADS });
      if (current?.status === 'revoked' && current.generation === row.generation + 1) return true;
      throw error;
    }
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

  /** A log-out must work even where the keys do not. `strict`: what was read may be out of date, which throws. */
  private async openIfPossible(
    row: FullTokenRow,
    cell: keyof SealedCells,
    strict: boolean,
  ): Promise<string | null> {
    const text = row[cell];
    if (text === null) return null;
    try {
      return await this.store.open(row, cell, text);
    } catch (error) {
      if (!(error instanceof TokenError) || (strict && isOutdated(error))) throw error;
      return null;
    }
  }
}

/** A public client's refresh token works with the key of its own log-in only (RFC 9449 §5), and a row has one key. */
const isBoundElsewhere = (before: string | null, now: string | null, provider: Provider): boolean =>
  provider.isPublic && before !== null && now !== null && before !== now;
