import type { DataKeyRow, DataKeyState } from './data-key-rows.js';

/** A data key with what is under it. */
export interface KeyUse extends DataKeyRow {
  rows: number;
  quarantinedRows: number;
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
  /** At most `limit` keys of these states with their rows, those that changed last first. */
  abstract findUse(filter: {
    states?: readonly DataKeyState[];
    tenantId?: string;
    id?: string;
    limit: number;
  }): Promise<KeyUse[]>;
  /** Data keys with wrapped bytes by the key-encryption key that wraps them. */
  abstract countByKek(): Promise<{ kekId: string; dataKeys: number }[]>;
  abstract progress(): Promise<MoveProgress>;
  abstract findAudit(limit: number): Promise<AuditRow[]>;
}
