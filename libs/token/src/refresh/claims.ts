import type { FullTokenRow, TokenRow, TokenWrite } from '../store/token-rows.js';

/** A claim as its holder knows it, or with `claimedAt` as somebody else has read it; `unknownSince` as before the claim. */
export type HeldClaim = Pick<
  TokenRow,
  'id' | 'generation' | 'failures' | 'claimId' | 'claimedAt' | 'unknownSince'
>;

/** How a claim without a new token set ends. */
export interface ClaimFailure {
  failure: string;
  /** No replica tries again before. */
  retryInMs: number;
  /** The refresh token may have been consumed. */
  outcomeUnknown: boolean;
  reauthorize: boolean;
}

/** The answer came but may not be used; its refresh token is stored all the same. */
export type Quarantine = Pick<ClaimFailure, 'failure' | 'retryInMs'>;

/**
 * Port: the right to present a row's refresh token, recorded in the row before the exchange, so that it also is the
 * proof that the database is writable. A claim that names its claimant lives as long as that one's session lock
 * (see `Presences`), any other one, and any where nothing is known of the lock, by its heartbeat.
 */
export abstract class Claims {
  /** Takes the claim if row and database still are as they were read; false otherwise. `claimant` names a session; null: a lease. */
  abstract claim(row: FullTokenRow, claimId: string, claimant: string | null): Promise<boolean>;
  /** Gives a claim back under which nothing was presented. */
  abstract release(row: TokenRow, claimId: string): Promise<void>;
  /** A claim whose end could not be written goes on as a lease, so that it comes to one. */
  abstract letGo(rowId: string, claimId: string): Promise<void>;
  abstract heartbeat(rowId: string, claimId: string): Promise<void>;
  /** Stores what the exchange brought, decided by the presented generation alone, not by who holds the claim. @throws FencedWriteError */
  abstract commit(
    rowId: string,
    presented: number,
    write: TokenWrite,
    quarantine: Quarantine | null,
  ): Promise<boolean>;
  /** Ends a claim without new tokens. False if the row or its claim has moved on: then the failure is about the past. */
  abstract fail(held: HeldClaim, failure: ClaimFailure): Promise<boolean>;
}
