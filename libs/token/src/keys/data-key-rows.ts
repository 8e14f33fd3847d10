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
  createdAt: number;
  stateChangedAt: number;
  destroyAfter: number | null;
}

export type NewDataKey = Pick<DataKeyRow, 'id' | 'tenantId' | 'purpose' | 'kekId' | 'checkValue'> & {
  wrapped: Buffer;
};

/** Port: data keys in the database. Every change of a state leaves an audit row, in the same transaction. */
export abstract class DataKeyRows {
  abstract findById(id: string): Promise<DataKeyRow | null>;
  /** The tenant's active key, or the tombstone of a tenant that was shredded. */
  abstract findActive(tenantId: string, purpose: string): Promise<DataKeyRow | null>;
  /** Commits a key in state `pending`: readable by every replica, used by none. */
  abstract insertPending(row: NewDataKey): Promise<void>;
  /** `pending` to `active` unless the tenant has an active key by now; false if it has. */
  abstract activate(row: DataKeyRow, actor: string): Promise<boolean>;
  /** `old` to `decrypt_only` and `next` to `active`, both or none; false if `old` is not active any more. */
  abstract supersede(old: DataKeyRow, next: DataKeyRow, actor: string): Promise<boolean>;
  abstract deletePending(id: string): Promise<void>;
  /** Deletes keys that have been `pending` for longer than this: whoever made them has ended before their activation. */
  abstract deleteAbandoned(minAgeMs: number): Promise<void>;
  /** One or two readable keys per key-encryption key in use. */
  abstract findCanaries(): Promise<DataKeyRow[]>;
  /** When a key's state has last changed; 0 while there is none. */
  abstract lastChange(): Promise<number>;
  /** Keys whose state has changed at or after this instant. */
  abstract findChanged(
    since: number,
  ): Promise<Pick<DataKeyRow, 'id' | 'tenantId' | 'state' | 'stateChangedAt'>[]>;
  /** Active keys: of one tenant, or those made longer ago than `minAgeMs`. */
  abstract findRotatable(filter: { tenantId?: string; minAgeMs?: number }): Promise<DataKeyRow[]>;
}
