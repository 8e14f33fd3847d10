export type DataKeyState = 'pending' | 'active' | 'decrypt_only' | 'retired' | 'destroyed';

/** A data key as the database holds it. Instants are epoch milliseconds of the database's clock. */
export interface DataKeyRow {
  id: string;
  tenantId: string;
  purpose: string;
  state: DataKeyState;
  kekId: string;
  /** Null once destroyed. */
  wrapped: Buffer | null;
  checkValue: Buffer;
}

/** Port: data keys in the database. */
export abstract class DataKeyRows {
  abstract findById(id: string): Promise<DataKeyRow | null>;
  abstract findActive(tenantId: string, purpose: string): Promise<DataKeyRow | null>;
  /** Commits a key in state `pending`: readable by every replica, used by none. */
  abstract insertPending(row: Omit<DataKeyRow, 'state'>): Promise<void>;
  /** `pending` to `active` unless the tenant has an active key by now; false if it has. */
  abstract activate(row: DataKeyRow): Promise<boolean>;
  abstract deletePending(id: string): Promise<void>;
  /** One readable key per key-encryption key in use. */
  abstract findCanaries(): Promise<DataKeyRow[]>;
}
