import { describe, expect, it } from 'vitest';
import { ReauthorizationRequiredError } from '../common/errors.js';
import { CLOSED } from '../store/provider-states.js';
import type { FullTokenRow } from '../store/token-rows.js';
import type { Effect } from './effects.js';
import { newerThan } from './engine.js';
import { isHeld, mayBeStale } from './hold.js';

const RESTORED_AT = 1_000_000;

const row = (more: Partial<FullTokenRow>): FullTokenRow =>
  ({
    provider: 'acme',
    status: 'active',
    generation: 4,
    accessCt: null,
    refreshCt: 'sealed',
    expiresAt: RESTORED_AT,
    retryAfter: null,
    lastFailure: null,
    claimId: null,
    claimedAt: null,
    claimReplica: null,
    unknownSince: null,
    failures: 0,
    refreshedAt: RESTORED_AT - 1,
    now: RESTORED_AT + 60_000,
    circuit: CLOSED,
    lineage: { known: true, heldBefore: RESTORED_AT },
    ...more,
  }) as FullTokenRow;

/** What a flight asks for when it has read this row, or how it ends. */
function afterReading(read: FullTokenRow, holds = true): Effect['name'][] {
  const ref = { tenantId: 'default', userId: 'ada', provider: 'acme', account: 'default' };
  const provider = { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' };
  const flight = newerThan(4, { ref, provider, beforeExpirySeconds: 60, holds });
  flight.next();
  const first = flight.next(read);
  const second = flight.next();
  return [first, second].flatMap(({ value }) => ('name' in value ? [value.name] : []));
}

describe('a refresh token', () => {
  it.each<[string, Partial<FullTokenRow>, boolean]>([
    ['from before a restore is held', {}, true],
    ['that was stored since is free', { refreshedAt: RESTORED_AT }, false],
    ['is free where nothing was restored', { lineage: { known: true, heldBefore: null } }, false],
  ])('%s', (_name, more, expected) => {
    expect(isHeld(row(more))).toBe(expected);
  });

  it.each<[string, boolean | undefined, boolean]>([
    ['may be stale where nothing is known of its provider', undefined, true],
    ['may be stale where it works once', true, true],
    ['cannot be stale where it goes on working', false, false],
  ])('%s', (_name, rotates, expected) => {
    const profile = rotates === undefined ? {} : { rotatesRefreshTokens: rotates };
    expect(mayBeStale({ profile })).toBe(expected);
  });
});

describe('a refresh', () => {
  it('of what is held reports it and fails, without a claim', () => {
    expect(() => afterReading(row({}))).toThrow(
      new ReauthorizationRequiredError('acme', 'held_after_restore'),
    );
  });

  it('goes on where nothing is to be held', () => {
    expect(afterReading(row({}), false)[0]).toBe('open');
  });

  it('leaves a claim alone that came with the backup: it would end the session', () => {
    const claimed = { claimId: 'of before', claimedAt: 1, unknownSince: 1 };
    expect(() => afterReading(row(claimed))).toThrow(/held_after_restore/);
  });

  it('takes note of a database that nobody knows before anything else, and reads again', () => {
    expect(afterReading(row({ lineage: { known: false, heldBefore: null } }))).toEqual(['recognize', 'wait']);
  });
});
