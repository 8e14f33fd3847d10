import type { DataKeyState } from './keys/data-key-rows.js';

/** Who asks for a change; kept in the audit trail. At most 64 characters. Default: `application`. */
export interface ActorOptions {
  actor?: string;
}

export interface DataKeyStatus {
  id: string;
  tenantId: string;
  /** `token`: seals stored tokens. `application`: seals what the application gives to `EncryptionService`. */
  purpose: string;
  state: DataKeyState;
  kekId: string;
  createdAt: Date;
  stateChangedAt: Date;
  /** Retired keys only: before this instant `destroy` is refused. */
  destroyAfter: Date | null;
  /** Stored token sets under this key; always 0 for other purposes, whose rows only the application knows. */
  rows: number;
  /** Of these, the ones that re-encryption could not open and has left as they are. */
  quarantinedRows: number;
  /** Tokens under this key that wait for their revocation at the provider; they keep it from being retired as well. */
  pendingRevocations: number;
}

export interface KekStatus {
  id: string;
  /** Data keys wrapped by it. */
  dataKeys: number;
  /** Whether this process has shown that it can open what it wraps. */
  usable: boolean;
  /** Live replicas that have not shown so; a key-encryption key wraps only when this is empty. */
  missingOn: string[];
}

export interface ReencryptionStatus {
  rowsLeft: number;
  quarantinedRows: number;
  /** Rows per second of all replicas together in the current run; null while none runs. */
  rowsPerSecond: number | null;
  estimatedEnd: Date | null;
}

export interface ReplicaStatus {
  id: string;
  startedAt: Date;
  seenAt: Date;
  kekIds: string[];
}

export interface KeyStatus {
  /** The database's clock. */
  now: Date;
  /** Number of data keys by state. */
  states: Record<DataKeyState, number>;
  /** At most 1,000; those that are not simply active come first. */
  dataKeys: DataKeyStatus[];
  keks: KekStatus[];
  reencryption: ReencryptionStatus;
  /** Replicas that have been seen in the last 30 seconds. */
  replicas: ReplicaStatus[];
}

export interface RotationResult {
  /** Tenants that have a new active key, with the keys' ids. */
  rotated: { tenantId: string; purpose: string; from: string; to: string }[];
}

export interface KeyPlan {
  /** How many keys there are for `rotate`, `retire` and `destroy`; the lists below name 1,000 each at most. */
  counts: { rotate: number; retire: number; destroy: number };
  /** Active keys that `rotate` would replace. */
  rotate: DataKeyStatus[];
  /** Token sets that would have to be sealed again. */
  rows: number;
  /** Keys without rows that could be retired now. */
  retire: DataKeyStatus[];
  /** Retired keys whose `destroyAfter` has passed. */
  destroy: DataKeyStatus[];
  /** Data keys that `rotateKek` would wrap anew, under which key-encryption key, and why it would refuse. */
  rewrap: { dataKeys: number; kekId: string; refusedBecause: string | null };
}

export interface KeyAuditEntry {
  at: Date;
  actor: string;
  action: string;
  keyId: string | null;
  tenantId: string | null;
  from: string | null;
  to: string | null;
}
