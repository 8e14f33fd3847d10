import { describe, expect, it } from 'vitest';
import type { TokenRow } from '../store/token-rows.js';
import { backoffMs, claimDecision, freshness, LEASE_MS, mayReplay, refreshInMs } from './policy.js';

const NOW = 1_000_000_000;
const row = (more: Partial<TokenRow> = {}): TokenRow =>
  ({
    accessCt: 'x',
    hasRefreshToken: true,
    expiresAt: NOW + 3_600_000,
    lifetimeSeconds: 3600,
    refreshAfter: NOW + 3_000_000,
    retryAfter: null,
    now: NOW,
    claimId: null,
    claimedAt: null,
    unknownSince: null,
    ...more,
  }) as TokenRow;

describe('a stored token is', () => {
  it.each([
    ['fresh long before expiry', {}, 5, 'fresh'],
    [
      'fresh without a known expiry',
      { expiresAt: null, lifetimeSeconds: null, refreshAfter: null },
      5,
      'fresh',
    ],
    ['due inside the refresh window', { refreshAfter: NOW - 1 }, 5, 'due'],
    [
      'not due while the provider is being left alone',
      { refreshAfter: NOW - 1, retryAfter: NOW + 1 },
      5,
      'fresh',
    ],
    ['not due without a refresh token', { refreshAfter: NOW - 1, hasRefreshToken: false }, 5, 'fresh'],
    [
      'fresh to its end where there is no refresh token',
      { expiresAt: NOW + 1_000, hasRefreshToken: false },
      60,
      'fresh',
    ],
    [
      'fresh to its end while the provider is being left alone',
      { expiresAt: NOW + 1_000, retryAfter: NOW + 60_000 },
      60,
      'fresh',
    ],
    [
      'stale at its end, whatever can be done about it',
      { expiresAt: NOW, hasRefreshToken: false },
      0,
      'stale',
    ],
    ['stale when expired', { expiresAt: NOW }, 0, 'stale'],
    ['stale when it would not last as long as asked', { expiresAt: NOW + 59_000 }, 60, 'stale'],
    [
      'due without a known expiry where its refresh token must be used',
      { expiresAt: null, lifetimeSeconds: null, refreshAfter: NOW },
      5,
      'due',
    ],
    ['stale while quarantined', { accessCt: null }, 0, 'stale'],
    [
      'fresh although a short-lived token cannot last as long as asked',
      { expiresAt: NOW + 25_000, lifetimeSeconds: 30 },
      3600,
      'fresh',
    ],
  ])('%s', (_name, more, minTtlSeconds, expected) => {
    expect(freshness(row(more), minTtlSeconds)).toBe(expected);
  });
});

describe('a refresh ahead of expiry', () => {
  it('is due at most the configured time and at most a quarter of the lifetime before expiry, jittered', () => {
    for (const random of [0, 0.5, 0.999]) {
      expect(refreshInMs(3_600_000, 60, random)).toBeGreaterThanOrEqual(3_600_000 - 72_000);
      expect(refreshInMs(3_600_000, 60, random)).toBeLessThanOrEqual(3_600_000 - 60_000);
      expect(refreshInMs(30_000, 60, random)).toBeGreaterThanOrEqual(21_000);
    }
    expect(refreshInMs(3_600_000, 60, 0)).not.toBe(refreshInMs(3_600_000, 60, 0.9));
    expect(refreshInMs(null, 60, 0)).toBeNull();
  });

  it('comes before the refresh token has been idle for too long, jittered', () => {
    const DAY_MS = 86_400_000;
    for (const random of [0, 0.5, 0.999]) {
      const ms = refreshInMs(null, 60, random, 90 * 86_400)!;
      expect(ms).toBeGreaterThanOrEqual(63 * DAY_MS);
      expect(ms).toBeLessThanOrEqual(72 * DAY_MS);
    }
    expect(refreshInMs(null, 60, 0, 86_400)).not.toBe(refreshInMs(null, 60, 0.9, 86_400));
    expect(refreshInMs(3_600_000, 60, 0, 86_400)).toBe(3_540_000);
    expect(refreshInMs(365 * DAY_MS, 60, 0, 86_400)).toBe(0.8 * DAY_MS);
  });
});

describe('a row', () => {
  const claimed = (ageMs: number): Partial<TokenRow> => ({ claimId: 'c', claimedAt: NOW - ageMs });

  it.each([
    ['nobody has claimed may be claimed', {}, {}, 'claim'],
    ['a living replica has claimed is waited for', claimed(LEASE_MS - 1), {}, 'wait'],
    [
      'a dead replica has claimed is taken over where nothing is known of reuse',
      claimed(LEASE_MS),
      {},
      'claim',
    ],
    [
      'a dead replica has claimed is taken over within the grace',
      claimed(LEASE_MS),
      { reuseGraceSeconds: 60 },
      'claim',
    ],
    [
      'a dead replica has claimed needs the user once the grace is over',
      claimed(61_000),
      { reuseGraceSeconds: 60 },
      'reauthorize',
    ],
    [
      'a dead replica has claimed needs the user at a strict provider',
      claimed(LEASE_MS),
      { reuseGraceSeconds: 0 },
      'reauthorize',
    ],
    [
      'a dead replica has claimed follows the configured policy',
      claimed(LEASE_MS),
      { reuseGraceSeconds: 0, onUnknownOutcome: 'replay' as const },
      'claim',
    ],
    [
      'with an unknown outcome needs the user once the grace is over',
      { unknownSince: NOW - 61_000 },
      { reuseGraceSeconds: 60 },
      'reauthorize',
    ],
    [
      'with an unknown outcome is measured from the first presentation',
      { ...claimed(LEASE_MS), unknownSince: NOW - 90_000 },
      { reuseGraceSeconds: 60 },
      'reauthorize',
    ],
  ])('that %s', (_name, more, provider, expected) => {
    expect(claimDecision(row(more), provider)).toBe(expected);
  });
});

describe('a lost reply', () => {
  it('may be followed by a replay unless the provider is known to be strict', () => {
    expect(mayReplay({}, 0)).toBe(true);
    expect(mayReplay({ reuseGraceSeconds: 0 }, 0)).toBe(false);
    expect(mayReplay({ reuseGraceSeconds: 30 }, 29_000)).toBe(true);
    expect(mayReplay({ onUnknownOutcome: 'reauthorize', reuseGraceSeconds: 30 }, 0)).toBe(false);
  });
});

describe('back-off', () => {
  it('doubles up to five minutes, with full jitter, and honours Retry-After', () => {
    expect(backoffMs(1, null, 0.999)).toBeLessThanOrEqual(5_000);
    expect(backoffMs(50, null, 1)).toBe(301_000);
    expect(backoffMs(50, null, 0)).toBe(1_000);
    expect(backoffMs(1, 20, 0)).toBe(20_000);
    expect(backoffMs(1, 1e9, 0)).toBe(3_600_000);
  });
});
