import type { RefreshOutcome } from '../common/events.js';
import type { FullTokenRow } from '../store/token-rows.js';
import type { Circuit } from '../store/provider-states.js';
import { backoffMs } from './policy.js';

/** So many different rows fail in succession before the provider counts as the reason. */
export const FAILURES_TO_OPEN = 5;
/** Probes of the whole cluster are at least so far apart. */
export const PROBE_DISTANCE_MS = 1_000;
/** Pauses double up to about a minute: a provider that is back is noticed soon. */
const MAX_DOUBLINGS = 5;

/** What a presentation tells about the provider as such. */
export interface Verdict {
  /** Null: the provider works. */
  failure: string | null;
  /** `none`: it may be about this row alone. `one`: together with others it opens the circuit. `opens`: it does at once. */
  weight: 'none' | 'one' | 'opens';
  /** If the circuit opens, or stays open, for so long. */
  pauseMs: number;
}

/** Whether the provider may be asked. */
export function circuitEntry({ probeAfter }: Circuit, now: number): 'open to all' | 'one probe' | 'nobody' {
  if (probeAfter === null) return 'open to all';
  return probeAfter > now ? 'nobody' : 'one probe';
}

/** Seconds after which a call that is turned away may try again. */
export function secondsUntilProbe({ probeAfter, probing }: Circuit, now: number): number {
  // A probe is answered long before it counts as dead.
  return probing || probeAfter === null ? 1 : Math.max(1, Math.ceil((probeAfter - now) / 1000));
}

/** Pure but for `random`, from 0 to 1. */
export function verdictOn(
  outcome: RefreshOutcome,
  retryAfterSeconds: number | null,
  { failures, circuit }: Pick<FullTokenRow, 'failures' | 'circuit'>,
  random: number,
): Verdict {
  const pauseMs = backoffMs(Math.min(circuit.failedProbes + 1, MAX_DOUBLINGS), retryAfterSeconds, random);
  // Who refuses a user's grant, or hands out tokens that come too late, is at work.
  if (outcome === 'refreshed' || outcome === 'superseded' || outcome === 'grant_rejected')
    return { failure: null, weight: 'none', pauseMs };
  if (outcome === 'throttled' || retryAfterSeconds !== null)
    return { failure: outcome, weight: 'opens', pauseMs };
  // A row that fails again and again says nothing about the others.
  return { failure: outcome, weight: failures === 0 ? 'one' : 'none', pauseMs };
}
