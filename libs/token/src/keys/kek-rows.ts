/** A key-encryption key that some replica has brought, with a canary that it has wrapped. */
export interface KekRow {
  id: string;
  canaryId: string;
  wrapped: Buffer;
  checkValue: Buffer;
}

/** That a process holds a key-encryption key: it has opened this canary of it. */
export interface KekProof {
  kekId: string;
  canaryId: string;
}

/** A process that has been seen lately. Instants are epoch milliseconds of the database's clock. */
export interface ReplicaRow {
  id: string;
  startedAt: number;
  seenAt: number;
  proofs: KekProof[];
}

/** Port: which key-encryption keys there are, and who has shown to hold them. */
export abstract class KekRows {
  abstract find(id: string): Promise<KekRow | null>;
  /** Leaves a canary that is there already as it is. */
  abstract insert(row: KekRow): Promise<void>;
  /** Puts another canary in its place, if it is still `before` and wraps no data key; false otherwise. */
  abstract replaceUnused(row: KekRow, before: KekRow): Promise<boolean>;
  /** Says that this replica lives and which key-encryption keys it has shown to hold. */
  abstract beat(replicaId: string, proofs: readonly KekProof[]): Promise<void>;
  /** Also forgets replicas that were not seen for a day. */
  abstract leave(replicaId: string): Promise<void>;
  /** Replicas seen within the last `withinMs`. */
  abstract findLive(withinMs: number): Promise<ReplicaRow[]>;
}
