import type { TokenEvent } from '../common/events.js';
import type { Exchange } from '../oauth/refresh-grant.js';
import type { FullTokenRow, SealedCells, TokenWrite } from '../store/token-rows.js';
import type { OpenedAccess, OpenedTokens } from '../store/token-store.js';
import type { Verdict } from './circuit.js';
import type { ClaimFailure, HeldClaim, Quarantine } from './claims.js';
import type { Presence } from './presences.js';

/** What came of a presentation. */
export interface Presented {
  exchange: Exchange;
  elapsedMs: number;
  /** From 0 to 1, for jitter. */
  random: number;
}

/** Everything that a flight may ask of the world: what it gives, and what it gets as the answer. */
export interface Effects {
  /** The row of this flight's ref, from the primary. */
  read: { in: void; out: FullTokenRow | null };
  /** The same, patiently: an exchange has been, and somebody must know what to do with what it brought. */
  reread: { in: void; out: FullTokenRow | null };
  /** Takes note of a database that is not the one of before. */
  recognize: { in: void; out: void };
  /** Null where the row has to be read again: its key was retired since. */
  openAccess: { in: FullTokenRow; out: OpenedAccess | null };
  /** The same for all cells, with a new key where tokens are to be bound to one; fails where the answer of an exchange could not be sealed. */
  open: { in: FullTokenRow; out: OpenedTokens | null };
  /** Whether the claimant of this row lives, by its session lock. */
  presence: { in: FullTokenRow; out: Presence };
  /** Lets others get on. False when this flight has waited for too long. */
  wait: { in: void; out: boolean };
  /** The id of the one probe of a provider whose circuit is open; null if somebody else has it. */
  probe: { in: FullTokenRow; out: string | null };
  /** 0: the provider may be asked as far as its rate goes. Otherwise the milliseconds after which to try again. */
  permit: { in: FullTokenRow; out: number };
  /** What a presentation has told about the provider; null where nothing was presented. Never fails. */
  settle: { in: { row: FullTokenRow; probeId: string | null; verdict: Verdict | null }; out: void };
  /** The id of the claim that was written to the row; null if the row is not as it was read. */
  claim: { in: FullTokenRow; out: string | null };
  /**
   * The refresh token reaches the provider, at most once but for requests that it refuses for their proof's nonce; not at
   * all (null) when the claim may have been lost since, or the time in which it may be replayed is over. Never fails.
   */
  present: {
    in: { row: FullTokenRow; claimId: string; refreshToken: string; dpopKey: string | null };
    out: Presented | null;
  };
  /** Seals and stores, patiently. False if the generation is not the presented one any more. */
  commit: {
    in: {
      row: FullTokenRow;
      tokens: OpenedTokens;
      write: Omit<TokenWrite, keyof SealedCells>;
      quarantine: Quarantine | null;
    };
    out: boolean;
  };
  /** Ends a claim without new tokens, patiently. False if the row or its claim has moved on. */
  fail: { in: { held: HeldClaim; failure: ClaimFailure }; out: boolean };
  /** The same for a claim of somebody who has died: nothing was heard from the provider, so nothing is lost by failing. */
  giveUp: { in: { held: HeldClaim; failure: ClaimFailure }; out: boolean };
  /** A refresh token that nobody owns any more. */
  discard: { in: { row: FullTokenRow; refreshToken: string }; out: void };
  report: { in: TokenEvent; out: void };
}

export type Effect = { [Name in keyof Effects]: { name: Name; input: Effects[Name]['in'] } }[keyof Effects];

/** A flight between two effects; it does nothing by itself, and may be left lying anywhere, as by a crash. */
export type Flight<T> = Generator<Effect, T, unknown>;

/** Yields one effect, and types its answer. */
export function* ask<Name extends keyof Effects>(
  name: Name,
  input: Effects[Name]['in'],
): Flight<Effects[Name]['out']> {
  return (yield { name, input } as Effect) as Effects[Name]['out'];
}
