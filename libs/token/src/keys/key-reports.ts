import type { DataKeyRow, DataKeyState } from './data-key-rows.js';
import type { Purpose } from './key-states.js';

/** A data key with what is under it. */
export interface KeyUse extends DataKeyRow {
  rows: number;
  quarantinedRows: number;
  /** Entries of the outbox under it. */
  pendingRevocations: number;
}

/** Which keys are meant; what is left out does not matter. */
export interface KeyFilter {
  states?: readonly DataKeyState[];
  purpose?: Purpose;
  tenantId?: string;
  id?: string;
  /** Only keys without any row, in the outbox too. */
  empty?: boolean;
  /** Only keys whose `destroyAfter` has passed. */
  destroyable?: boolean;
  /** `false`: only keys that nobody has ever restored. */
  restored?: false;
}

export interface MoveProgress {
  /** Rows that replicas have moved in the runs of the last minute, and since when. */
  movedRows: number;
  movingSince: number | null;
}

export interface AuditRow {
  at: number;
  actor: string;
  action: string;
  keyId: string | null;
  tenantId: string | null;
  from: string | null;
  to: string | null;
}

/** Port: what people and metrics want to know about the keys. Reads only. */
export abstract class KeyReports {
  abstract now(): Promise<number>;
  abstract countByState(): Promise<Record<DataKeyState, number>>;
  /** At most `limit` keys with their rows, those that changed last first, active ones at the end. */
  abstract findUse(filter: KeyFilter & { limit: number }): Promise<KeyUse[]>;
  abstract countKeys(filter: KeyFilter): Promise<number>;
  /** Rows under all keys of a state, or under those of one tenant. */
  abstract countRows(
    state: DataKeyState,
    tenantId?: string,
  ): Promise<{ rows: number; quarantinedRows: number }>;
  /** Data keys with wrapped bytes by the key-encryption key that wraps them. */
  abstract countByKek(): Promise<{ kekId: string; dataKeys: number }[]>;
  abstract progress(): Promise<MoveProgress>;
  abstract findAudit(limit: number): Promise<AuditRow[]>;
}
