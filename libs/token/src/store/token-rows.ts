import type { ResolvedTokenRef, TokenStatus } from '../common/tokens.js';
import type { RowLineage } from './lineage.js';
import type { Circuit } from './provider-states.js';
import type { NewRevocation } from './revocation-rows.js';

/** The sealed cells of a row, as text (`tm1.…`). All that are there are sealed under one data key. */
export interface SealedCells {
  /** Null after a revocation. */
  accessCt: string | null;
  refreshCt: string | null;
  idCt: string | null;
  /** The private key that the tokens are bound to (RFC 9449); null where they are not. */
  dpopCt: string | null;
}

/** A row without the cells that only a refresh needs. Instants are epoch milliseconds of the database's clock. */
export interface TokenRow extends ResolvedTokenRef {
  id: string;
  status: TokenStatus;
  generation: number;
  tokenType: string;
  scope: string | null;
  accessCt: string | null;
  dpopCt: string | null;
  hasRefreshToken: boolean;
  hasIdToken: boolean;
  expiresAt: number | null;
  lifetimeSeconds: number | null;
  refreshAfter: number | null;
  refreshedAt: number;
  createdAt: number;
  updatedAt: number;
  /** The intent of a refresh in flight, written before the exchange. */
  claimId: string | null;
  claimedAt: number | null;
  /** The session that the claim rests on; null for a lease. */
  claimReplica: string | null;
  /** Since when the refresh token may have been presented without a known outcome: the first claim that has not ended with one. */
  unknownSince: number | null;
  /** No refresh before this instant. */
  retryAfter: number | null;
  failures: number;
  lastFailure: string | null;
  /** The database's clock when the row was read. */
  now: number;
}

/** With what is known of the row's provider and of its database. */
export type FullTokenRow = TokenRow & SealedCells & { circuit: Circuit; lineage: RowLineage };

/** As much of a row as handing out its access token needs. */
export type ReadableTokenRow = Pick<
  TokenRow,
  | 'id'
  | 'status'
  | 'generation'
  | 'tokenType'
  | 'scope'
  | 'accessCt'
  | 'dpopCt'
  | 'hasRefreshToken'
  | 'expiresAt'
  | 'lifetimeSeconds'
  | 'refreshAfter'
  | 'retryAfter'
  | 'lastFailure'
  | 'now'
>;

/** A new token set for a row. Durations count from the database's clock at the write. */
export interface TokenWrite extends SealedCells {
  tokenType: string;
  scope: string | null;
  lifetimeSeconds: number | null;
  expiresInMs: number | null;
  refreshInMs: number | null;
}

export interface TokenFilter {
  userId?: string;
  tenantId?: string;
  provider?: string;
  account?: string;
  status?: TokenStatus;
}

/** The database refuses a data key that is no longer usable; the row is unchanged. Seal again with the current key. */
export class FencedWriteError extends Error {
  readonly reason = 'FENCED_WRITE';
}

/** Port: token rows in the database. Every write is one conditional statement. */
export abstract class TokenRows {
  /** Batched with the reads of other callers; always from the primary. */
  abstract find(ref: ResolvedTokenRef): Promise<ReadableTokenRow | null>;
  abstract findFull(ref: ResolvedTokenRef): Promise<FullTokenRow | null>;
  abstract list(filter: TokenFilter): Promise<TokenRow[]>;
  /**
   * Takes active rows of these providers whose refresh ahead of expiry is due and that nobody has claimed, the most urgent
   * first: they are not due again for `holdMs`, so no other replica takes them. Of those in `holding` none that is from
   * before a restore.
   */
  abstract takeDue(
    providers: readonly string[],
    holding: readonly string[],
    limit: number,
    leaseMs: number,
    holdMs: number,
  ): Promise<TokenRow[]>;
  /**
   * Makes a batch of rows due before `idleMs` have gone by since their refresh token was got, where they would be due later
   * or never; how many it has found.
   */
  abstract keepAlive(provider: string, idleMs: number, limit: number, holdMs: number): Promise<number>;
  /** Puts the refresh ahead of expiry off, if the row still is as it was read. */
  abstract postpone(row: TokenRow, delayMs: number): Promise<void>;
  /** False if there is a row for this ref already. @throws FencedWriteError */
  abstract insert(id: string, ref: ResolvedTokenRef, write: TokenWrite): Promise<boolean>;
  /**
   * A new log-in over an old row, whatever its status; ends any claim. With `keepsRefreshToken` only while nobody has
   * claimed it anew. False if the row has changed. @throws FencedWriteError
   */
  abstract replace(row: TokenRow, write: TokenWrite, keepsRefreshToken: boolean): Promise<boolean>;
  /** Rows that hold tokens, in the order of their ids; the fields that are given have to match. */
  abstract findRevocable(filter: TokenFilter, afterId: string, limit: number): Promise<FullTokenRow[]>;
  /**
   * Erases the cells and leaves a tombstone, and with it, in one transaction, adds `entry` to the outbox. False if the
   * generation is not `seen` any more; nothing is added then. @throws FencedWriteError
   */
  abstract revoke(id: string, seen: number, entry: NewRevocation | null): Promise<boolean>;
  /**
   * Deletes one batch of rows that have been dead for longer than `retentionMs`; how many. What has merely expired stays
   * while a session hangs on it.
   */
  abstract deleteDead(retentionMs: number, limit: number): Promise<number>;
  abstract countByStatus(): Promise<Record<TokenStatus, number>>;
}
