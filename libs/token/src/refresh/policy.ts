import type { ReadableTokenRow, TokenRow } from '../store/token-rows.js';
import type { Presence } from './presences.js';

/**
 * A claim of whose claimant nothing else is known counts as dead when its heartbeat is older than this. A replica that is
 * paused for longer may then present a refresh token twice.
 */
export const LEASE_MS = 15_000;
export const HEARTBEAT_MS = 5_000;

/** Time left by the database's clock; null where no expiry is known. */
export function millisecondsLeft(row: Pick<ReadableTokenRow, 'expiresAt' | 'now'>): number | null {
  return row.expiresAt === null ? null : row.expiresAt - row.now;
}

/**
 * `fresh`: hand it out. `due`: hand it out and refresh in the background. `stale`: refresh first. A caller's
 * `minTtlSeconds` counts up to half of the token's lifetime, so that a short-lived token is not refreshed for every call.
 */
export function freshness(row: ReadableTokenRow, minTtlSeconds: number): 'fresh' | 'due' | 'stale' {
  if (row.accessCt === null) return 'stale';
  const left = millisecondsLeft(row);
  const halfLife = row.lifetimeSeconds === null ? Infinity : row.lifetimeSeconds / 2;
  const refreshable = row.hasRefreshToken && (row.retryAfter ?? 0) <= row.now;
  // Where nobody can get a newer one now, it serves to its end.
  if (left !== null && left <= (refreshable ? Math.min(minTtlSeconds, halfLife) * 1000 : 0)) return 'stale';
  return refreshable && row.refreshAfter !== null && row.refreshAfter <= row.now ? 'due' : 'fresh';
}

/**
 * When a refresh becomes due, counted from now: ahead of the access token's expiry, and before a refresh token that nobody
 * uses is dead. Jittered so that tokens of one log-in wave spread out. Null where neither is known.
 */
export function refreshInMs(
  expiresInMs: number | null,
  beforeExpirySeconds: number,
  random: number,
  idleExpirySeconds: number | null = null,
): number | null {
  const points: number[] = [];
  if (expiresInMs !== null) {
    const window = Math.min(beforeExpirySeconds * 1000, expiresInMs / 4);
    points.push(Math.max(0, Math.round(expiresInMs - window * (1 + random / 5))));
  }
  if (idleExpirySeconds !== null) {
    const [earliest, latest] = idleWindowMs(idleExpirySeconds * 1000);
    points.push(Math.round(latest - (latest - earliest) * random));
  }
  return points.length === 0 ? null : Math.min(...points);
}

/** A refresh token that dies after so long without use is used between these two ages. */
export function idleWindowMs(idleMs: number): [earliest: number, latest: number] {
  return [Math.floor(idleMs * 0.7), Math.floor(idleMs * 0.8)];
}

interface ReplayPolicy {
  onUnknownOutcome?: 'replay' | 'reauthorize';
  reuseGraceSeconds?: number;
}

/** What to do about the claim that a row carries. `presence` is what the claimant's lock says. */
export function claimDecision(
  row: TokenRow,
  provider: ReplayPolicy,
  presence: Presence = 'unknown',
): 'claim' | 'wait' | 'reauthorize' {
  const beaten = row.claimedAt !== null && row.claimedAt + LEASE_MS > row.now;
  const live = presence === 'unknown' ? beaten : presence === 'present';
  if (row.claimId !== null && live) return 'wait';
  return mayPresent(row, provider, 0) ? 'claim' : 'reauthorize';
}

/**
 * Whether the refresh token may be presented `laterMs` after its row was read: at any time where it is known not to be used
 * up. A process may have been stopped in between.
 */
export function mayPresent(row: TokenRow, provider: ReplayPolicy, laterMs: number): boolean {
  const unknownSince = row.unknownSince ?? (row.claimId === null ? null : row.claimedAt);
  return unknownSince === null || mayReplay(provider, row.now + laterMs - unknownSince);
}

/** Whether a refresh token may be presented again although the provider may have consumed it `ageMs` ago. */
export function mayReplay(provider: ReplayPolicy, ageMs: number): boolean {
  const { onUnknownOutcome, reuseGraceSeconds: grace } = provider;
  if (onUnknownOutcome) return onUnknownOutcome === 'replay';
  // Where nothing is known of the provider, a replay loses nothing that was not lost already.
  return grace === undefined || ageMs < grace * 1000;
}

/** Full jitter below a ceiling that doubles from four seconds to five minutes, and a second on top; a provider's own wish is a lower bound. */
export function backoffMs(failures: number, retryAfterSeconds: number | null, random: number): number {
  const ceiling = Math.min(300_000, 2_000 * 2 ** Math.min(failures, 10));
  return Math.max(Math.round(1_000 + random * ceiling), Math.min(retryAfterSeconds ?? 0, 3600) * 1000);
}
