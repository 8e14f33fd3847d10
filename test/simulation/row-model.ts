import type { ClaimFailure, HeldClaim, Quarantine } from '../../libs/token/src/refresh/claims.js';
import type { FullTokenRow, SealedCells, TokenWrite } from '../../libs/token/src/store/token-rows.js';
import { CLOSED } from '../../libs/token/src/store/provider-states.js';
import type { OpenedTokens } from '../../libs/token/src/store/token-store.js';
import type { Timeline } from './timeline.js';
import { Violation } from './violation.js';

/** Guards that a test takes away, to see that the simulation notices. */
export interface Broken {
  claimAnything?: boolean;
  claimsAfterFailure?: boolean;
  claimsInCopies?: boolean;
  commitAnything?: boolean;
  failAnything?: boolean;
  forgetsAnswer?: boolean;
  forgetsSpool?: boolean;
  looksOnce?: boolean;
  overlooksLocks?: boolean;
  overlooksRestarts?: boolean;
  presentsWithoutLock?: boolean;
  ignoresBucket?: boolean;
  ignoresHold?: boolean;
  ignoresRate?: boolean;
  probesAnytime?: boolean;
  sharesFlightsOfAllUsers?: boolean;
  skipsGeneration?: boolean;
}

/** One row of tokens as the statements of `database/sql-claims.ts` and `sql-token-rows.ts` treat it. */
export class RowModel {
  row: FullTokenRow;
  /** The access token of each generation. */
  readonly values = new Map<number, string | null>();

  constructor(
    user: number,
    tokens: { accessToken: string; refreshToken: string },
    private readonly time: Timeline,
    private readonly broken: Broken,
  ) {
    this.row = {
      id: `row-${user}`,
      tenantId: 'default',
      userId: String(user),
      provider: 'acme',
      account: 'default',
      status: 'active',
      generation: 0,
      tokenType: 'Bearer',
      scope: null,
      accessCt: null,
      refreshCt: null,
      idCt: null,
      dpopCt: null,
      hasRefreshToken: true,
      hasIdToken: false,
      expiresAt: null,
      lifetimeSeconds: null,
      refreshAfter: null,
      refreshedAt: 0,
      createdAt: 0,
      updatedAt: 0,
      claimId: null,
      claimedAt: null,
      claimReplica: null,
      unknownSince: null,
      retryAfter: null,
      failures: 0,
      lastFailure: null,
      now: 0,
      circuit: CLOSED,
      lineage: { known: true, heldBefore: null },
    };
    this.logIn(tokens);
  }

  read(): FullTokenRow {
    return { ...this.row, now: this.time.now };
  }

  claim(seen: FullTokenRow, claimId: string, claimant: string | null): boolean {
    const { row } = this;
    const unchanged =
      row.generation === seen.generation &&
      (row.failures === seen.failures || this.broken.claimsAfterFailure) &&
      row.status === 'active' &&
      row.claimId === seen.claimId &&
      row.claimedAt === seen.claimedAt &&
      ((row.lineage.known && row.lineage.heldBefore === seen.lineage.heldBefore) ||
        this.broken.claimsInCopies);
    if (!unchanged && !(this.broken.claimAnything && row.status === 'active')) return false;
    const unknownSince = row.unknownSince ?? this.time.now;
    this.#set({ claimId, claimedAt: this.time.now, claimReplica: claimant, unknownSince });
    return true;
  }

  /** The database is an older copy of itself from now on. */
  restore(row: FullTokenRow): void {
    this.#set({ ...row, lineage: { known: false, heldBefore: this.row.lineage.heldBefore } });
  }

  /** From before a restore. */
  get isHeld(): boolean {
    return this.row.refreshedAt < (this.row.lineage.heldBefore ?? 0);
  }

  recognize(): void {
    if (!this.row.lineage.known) this.#set({ lineage: { known: true, heldBefore: this.time.now } });
  }

  heartbeat(claimId: string): void {
    if (this.row.claimId === claimId) this.#set({ claimedAt: this.time.now });
  }

  release(seen: FullTokenRow, claimId: string): void {
    if (this.row.claimId === claimId)
      this.#set({ claimId: null, claimedAt: null, unknownSince: seen.unknownSince });
  }

  commit(
    presented: number,
    tokens: OpenedTokens,
    write: Omit<TokenWrite, keyof SealedCells>,
    quarantine: Quarantine | null,
  ): boolean {
    if (this.row.generation !== presented && !this.broken.commitAnything) return false;
    if (this.row.status === 'revoked') throw new Violation('I4', 'an answer was stored over a log-out');
    if (this.row.generation !== presented)
      throw new Violation('I3', 'an answer was stored over a row that had moved on');
    const after = (milliseconds: number | null): number | null =>
      milliseconds === null ? null : this.time.now + milliseconds;
    this.#set({
      status: 'active',
      generation: this.row.generation + (this.broken.skipsGeneration ? 0 : 1),
      accessCt: tokens.accessToken,
      refreshCt: tokens.refreshToken,
      lifetimeSeconds: write.lifetimeSeconds,
      expiresAt: after(write.expiresInMs),
      refreshAfter: after(write.refreshInMs),
      refreshedAt: this.time.now,
      claimId: null,
      claimedAt: null,
      unknownSince: null,
      failures: quarantine ? this.row.failures + 1 : 0,
      lastFailure: quarantine?.failure ?? null,
      retryAfter: quarantine ? after(quarantine.retryInMs) : null,
    });
    if (this.row.generation !== presented + 1)
      throw new Violation('I3', 'the generation did not grow by one with a rotation');
    return true;
  }

  fail(held: HeldClaim, { failure, retryInMs, outcomeUnknown, reauthorize }: ClaimFailure): boolean {
    const { row } = this;
    const mine =
      row.generation === held.generation &&
      row.status === 'active' &&
      row.claimId === held.claimId &&
      (held.claimedAt === null || row.claimedAt === held.claimedAt);
    if (!mine && !(this.broken.failAnything && row.status === 'active')) return false;
    this.#set({
      unknownSince: outcomeUnknown ? row.unknownSince : held.unknownSince,
      claimId: null,
      claimedAt: null,
      status: reauthorize ? 'reauthorization_required' : row.status,
      failures: row.failures + 1,
      lastFailure: failure,
      retryAfter: this.time.now + retryInMs,
    });
    return true;
  }

  /** A log-in replaces whatever is there. */
  logIn({ accessToken, refreshToken }: { accessToken: string; refreshToken: string }): void {
    this.#set({
      status: 'active',
      generation: this.row.generation + 1,
      accessCt: accessToken,
      refreshCt: refreshToken,
      lifetimeSeconds: 20,
      expiresAt: this.time.now + 20_000,
      refreshAfter: this.time.now + 15_000,
      refreshedAt: this.time.now,
      claimId: null,
      claimedAt: null,
      unknownSince: null,
      retryAfter: null,
      failures: 0,
      lastFailure: null,
    });
  }

  logOut(): void {
    this.#set({
      status: 'revoked',
      generation: this.row.generation + 1,
      accessCt: null,
      refreshCt: null,
      claimId: null,
      claimedAt: null,
      unknownSince: null,
      retryAfter: null,
    });
  }

  #set(changed: Partial<FullTokenRow>): void {
    const row = { ...this.row, ...changed };
    this.row = row.claimId === null ? { ...row, claimReplica: null } : row;
    this.values.set(this.row.generation, this.row.accessCt);
  }
}
