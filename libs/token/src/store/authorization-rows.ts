/** A log-in on its way to the provider and back. */
export interface NewAuthorization {
  /** SHA-256 of `state`. */
  id: string;
  /** SHA-256 of the cookie of the browser that begins it. */
  browserHash: string;
  provider: string;
  detailsCt: string;
  expiresInMs: number;
}

export interface AuthorizationLimits {
  /** Log-ins that one browser may have under way. */
  perBrowser: number;
  /** Log-ins that all browsers together may have under way. */
  inAll: number;
}

/** Which bound an authorization would exceed. */
export type Exceeded = 'browser' | 'all';

export interface TakenAuthorization {
  detailsCt: string;
  /** The database's clock, in epoch milliseconds. */
  now: number;
  /** Whether the same browser has others under way. */
  hasOthers: boolean;
}

/** Port: log-ins under way, shared by all replicas. */
export abstract class AuthorizationRows {
  /** Null when the row is stored; else the bound that was in the way. */
  abstract insert(row: NewAuthorization, limits: AuthorizationLimits): Promise<Exceeded | null>;
  /** The row, which is deleted thereby, to one caller only; null for one that is unknown, expired, of another browser or provider. */
  abstract take(
    row: Pick<NewAuthorization, 'id' | 'browserHash' | 'provider'>,
  ): Promise<TakenAuthorization | null>;
  /** Deletes at most `limit` rows that have expired; how many. */
  abstract deleteExpired(limit: number): Promise<number>;
}

/** Port: logout tokens that were accepted, shared by all replicas. */
export abstract class LogoutTokenRows {
  /** The database's clock, in epoch milliseconds. */
  abstract now(): Promise<number>;
  /** False when it is there already. */
  abstract remember(id: string, expiresAt: number): Promise<boolean>;
  abstract forget(id: string): Promise<void>;
  /** Deletes at most `limit` rows that have expired; how many. */
  abstract deleteExpired(limit: number): Promise<number>;
}
