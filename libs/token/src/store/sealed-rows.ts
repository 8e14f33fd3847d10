import type { SealedCells } from './token-rows.js';

/** A key that rows are to be moved away from. `keyIdText` is what the rows hold. */
export interface EmptyingKey {
  id: string;
  keyIdText: string;
  tenantId: string;
  /** Since when it should not seal any more; epoch milliseconds of the database's clock. */
  supersededAt: number;
  /** Whether rows under it have been opened and moved before. */
  hasMoved: boolean;
}

/** As much of a row as sealing it again needs. */
export interface SealedRow extends SealedCells {
  id: string;
  tenantId: string;
  /** When its present token set was written. */
  sealedAt: number;
}

/** Port: rows as re-encryption sees them. Nothing here touches the generation of a row. */
export abstract class SealedRows {
  /** Keys that open only and that may still have rows. */
  abstract findEmptyingKeys(): Promise<EmptyingKey[]>;
  /** Rows under the key in the order of their ids, but for those that a refresh has claimed and quarantined ones. */
  abstract page(key: EmptyingKey, afterId: string, limit: number, leaseMs: number): Promise<SealedRow[]>;
  /**
   * Writes the new cells of rows whose cells are still those that were read, in one statement; how many.
   * @throws FencedWriteError when the new key was retired meanwhile; nothing is written then
   */
  abstract move(
    key: EmptyingKey,
    rows: readonly { before: SealedRow; after: SealedCells }[],
  ): Promise<number>;
  /** Marks a row that cannot be opened, unless it has changed. */
  abstract quarantine(row: SealedRow, reason: string): Promise<boolean>;
  /** Lets re-encryption try quarantined rows again; how many. */
  abstract release(): Promise<number>;
  abstract count(key: Pick<EmptyingKey, 'keyIdText'>): Promise<{ rows: number; quarantined: number }>;
  /** Notes that this replica has moved rows, for rate and estimated end. */
  abstract addProgress(keyId: string, moved: number): Promise<void>;
  /**
   * Erases the tokens of one batch of rows that are a tenant's, or under a key of it, and leaves tombstones; how many.
   * And with them what is left in the outbox.
   */
  abstract eraseTenant(tenantId: string, limit: number): Promise<number>;
  /** How many rows that would erase, batch after batch. */
  abstract countTenant(tenantId: string): Promise<number>;
}
