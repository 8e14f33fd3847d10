import { describe, expect, it } from 'vitest';
import { SystemClock } from '../common/clock.js';
import { KeyUnavailableError } from '../common/errors.js';
import { TokenEvents } from '../common/events.js';
import { Reencryption } from './reencryption.js';
import type { EmptyingKey, SealedRow, SealedRows } from './sealed-rows.js';
import type { TokenStore } from './token-store.js';

const key = (id: string): EmptyingKey => ({
  id,
  keyIdText: id,
  tenantId: id,
  supersededAt: 0,
  hasMoved: true,
});
/** Behind the random row at which a walk begins, which is a UUID: it meets them in this order. */
const row = (id: string): SealedRow => ({
  id: `row-${id}`,
  tenantId: 'acme',
  accessCt: 'sealed',
  refreshCt: null,
  idCt: null,
  dpopCt: null,
  sealedAt: 0,
});

describe('Re-encryption that meets a key which cannot be used', () => {
  it('goes on with the other keys, and says how many rows it has moved under all of them', async () => {
    const under: Record<string, SealedRow[]> = { acme: [row('1'), row('2'), row('3')], umbrella: [row('4')] };
    const rows: Partial<SealedRows> = {
      findEmptyingKeys: async () => Object.keys(under).map(key),
      page: async ({ id }, after, limit) =>
        under[id]!.filter((candidate) => candidate.id > after).slice(0, limit),
      move: async (_key, moves) => moves.length,
      addProgress: async () => undefined,
    };
    const store: Partial<TokenStore> = {
      async reseal({ id, ...cells }) {
        if (id === 'row-3') throw new KeyUnavailableError('KMS_THROTTLED');
        return cells;
      },
    };
    const reencryption = new Reencryption(
      rows as SealedRows,
      store as TokenStore,
      new SystemClock(),
      new TokenEvents(),
      { batchSize: 1, leaseMs: 0 },
    );
    await expect(reencryption.run()).rejects.toMatchObject({
      code: 'KEY_UNAVAILABLE',
      reason: 'KMS_THROTTLED',
      message: expect.stringMatching(/ 3 row\(s\) were moved .*1 data key\(s\) could not be emptied/),
    });
  });
});
