import { describe, expect, it } from 'vitest';
import type { DataKeyStatus, KekStatus, KeyStatus } from '../key.service.types.js';
import { attention } from './attention.js';
import { statusReport } from './status.report.js';

const at = new Date('2026-11-23T21:06:12Z');

const key = (id: string, change: Partial<DataKeyStatus> = {}): DataKeyStatus => ({
  id,
  tenantId: 'acme',
  purpose: 'token',
  state: 'active',
  kekId: '1',
  createdAt: at,
  stateChangedAt: at,
  destroyAfter: null,
  rows: 0,
  quarantinedRows: 0,
  pendingRevocations: 0,
  ...change,
});

const kek = (change: Partial<KekStatus> = {}): KekStatus => ({
  id: '1',
  dataKeys: 2,
  usable: true,
  missingOn: [],
  ...change,
});

const status = (change: Partial<KeyStatus> = {}): KeyStatus => ({
  now: at,
  states: { pending: 0, active: 2, decrypt_only: 0, retired: 0, destroyed: 0 },
  dataKeys: [key('a'), key('b', { tenantId: 'umbrella' })],
  keks: [kek()],
  reencryption: { rowsLeft: 0, quarantinedRows: 0, rowsPerSecond: null, estimatedEnd: null },
  replicas: [],
  ...change,
});

describe('the status of the keys', () => {
  it('is short when all is well', () => {
    expect(statusReport(status(), false)).toBe(`Keys at 2026-11-23 21:06:12 UTC

Data keys by state
  pending  active  decrypt_only  retired  destroyed
        0       2             0        0          0

Data keys in change
  none

Key-encryption keys
  ID  DATA KEYS  OPENS HERE  MISSING ON
  1           2  yes         -

Replicas
  none seen in the last 30 seconds

Re-encryption
  no row left under an old key

All is well.`);
  });

  it('lists what is in change, in the same order every time, and tombstones only when asked for all', () => {
    const keys = [
      key('gone', { state: 'destroyed' }),
      key('z', { state: 'decrypt_only', tenantId: 'umbrella', rows: 1234 }),
      key('y', { state: 'decrypt_only' }),
      key('x', { state: 'pending' }),
      key('w', { quarantinedRows: 3 }),
      key('v'),
    ];
    const listed = (all: boolean): string[] =>
      statusReport(status({ dataKeys: keys }), all)
        .split('\n')
        .map((line) => /^ {2}(\w+) .* UTC$/.exec(line)?.[1])
        .filter((id) => id !== undefined);
    expect(listed(false)).toEqual(['x', 'w', 'y', 'z']);
    expect(listed(true)).toEqual(['x', 'v', 'w', 'y', 'z', 'gone']);
  });

  it('tells how fast re-encryption is and when it will have ended', () => {
    const reencryption = { rowsLeft: 40_000, quarantinedRows: 0, rowsPerSecond: 1999.7, estimatedEnd: at };
    expect(statusReport(status({ reencryption }), false)).toContain(
      '40,000 rows left under old keys\n  2,000 rows/s, done at about 2026-11-23 21:06:12 UTC',
    );
  });
});

describe('attention', () => {
  it('is not asked for while a rotation or a roll-out is simply under way', () => {
    const keks = [kek(), kek({ id: '2', dataKeys: 0, missingOn: ['replica-1'] })];
    const reencryption = { rowsLeft: 5, quarantinedRows: 0, rowsPerSecond: null, estimatedEnd: null };
    expect(attention(status({ keks, reencryption }))).toEqual([]);
  });

  it.each([
    [
      'rows that cannot be opened',
      { reencryption: { ...status().reencryption, quarantinedRows: 1 } },
      /^1 row cannot/,
    ],
    [
      'a key that cannot be opened here',
      { keks: [kek({ usable: false })] },
      /wraps 2 data keys and cannot be opened here/,
    ],
    [
      'a replica without a key in use',
      { keks: [kek({ missingOn: ['r'] })] },
      /^1 replica cannot open what "1" wraps/,
    ],
  ])('is asked for: %s', (_what, change, message) => {
    const changed = status(change);
    expect(attention(changed)).toEqual([expect.stringMatching(message)]);
    expect(statusReport(changed, false)).toMatch(/NEEDS ATTENTION\n- /);
  });
});
