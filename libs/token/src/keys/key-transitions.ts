import type { DataKeyRow } from './data-key-rows.js';

export type RetireOutcome = 'retired' | 'in_use' | 'wrong_state';

/** A data key wrapped anew; `before` are the bytes that it replaces. */
export interface Rewrapped {
  id: string;
  before: Buffer;
  wrapped: Buffer;
  kekId: string;
}

/** Port: the end of a key's life. Every change is conditional on the state as it is in the database, and audited with it. */
export abstract class KeyTransitions {
  /** `decrypt_only` to `retired`. The database itself refuses while a row is under the key. */
  abstract retire(key: DataKeyRow, destroyAfterMs: number, actor: string): Promise<RetireOutcome>;
  /** `retired` to `decrypt_only`. */
  abstract restore(key: DataKeyRow, actor: string): Promise<boolean>;
  /** `retired` to `destroyed` once `destroyAfter` has passed: erases the wrapped bytes, keeps the row as a tombstone. */
  abstract destroy(key: DataKeyRow, actor: string): Promise<boolean>;
  /**
   * Destroys all keys of a tenant at once, whatever their state, and leaves tombstones after which it never gets new
   * ones; how many keys. `tombstones` are rows for the purposes for which the tenant may have no key.
   */
  abstract shred(tenantId: string, purposes: readonly string[], actor: string): Promise<number>;
  /** Takes destroyed keys away from the database's fence once no row is under them. False while there is one. */
  abstract closeDestroyed(tenantId: string): Promise<boolean>;
  /** Data keys that are wrapped by another key-encryption key than this one, in the order of their ids. */
  abstract findWrappedByOthers(kekId: string, afterId: string, limit: number): Promise<DataKeyRow[]>;
  /** Replaces wrapped bytes that are still the ones that were read, in one statement; how many. */
  abstract rewrap(keys: readonly Rewrapped[], actor: string): Promise<number>;
}
