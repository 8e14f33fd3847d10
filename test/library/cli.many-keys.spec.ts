import { randomUUID } from 'node:crypto';
import type { DataKeyEntity, KeyPlan } from '@tokenward/nestjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Operator } from '../support/operator.js';

const DAY_MS = 86_400_000;
/** More than a plan or a status names. */
const MANY = 1_001;

describe('The keys commands, with more keys than a plan names', () => {
  let operator: Operator;

  beforeAll(async () => {
    operator = await Operator.start('postgres', 'acme');
    await operator.replica.keys.rotate();
    const old = await operator.dataKeys.findOneByOrFail({ state: 'decrypt_only' });
    const yesterday = old.stateChangedAt - DAY_MS;
    // What has changed last comes first: neither of these is among the first thousand.
    await operator.dataKeys.update({ id: old.id }, { stateChangedAt: yesterday });
    await insert(1, { state: 'retired', stateChangedAt: yesterday, destroyAfter: yesterday });
    await insert(MANY, { state: 'retired', destroyAfter: old.stateChangedAt + DAY_MS });
    await insert(MANY, { state: 'decrypt_only' });
    await insert(MANY, { state: 'active' });

    async function insert(count: number, change: Partial<DataKeyEntity>): Promise<void> {
      const keys = Array.from({ length: count }, (_, index) => ({
        ...Object.fromEntries(Object.entries(old)),
        id: randomUUID(),
        usableId: null,
        tenantId: `tenant-${index}`,
        // No bytes that the commands would try to open.
        wrapped: null,
        ...change,
      }));
      for (let from = 0; from < count; from += 100)
        await operator.dataKeys.insert(keys.slice(from, from + 100));
    }
  });
  afterAll(() => operator.stop());

  it('plan all of them', async () => {
    const { stdout } = await operator.keys('plan');
    expect(stdout).toMatch(/keys rotate would replace 1,002 active data keys and seal 0 token sets again$/m);
    expect(stdout).toMatch(/keys retire --all-empty would retire 1,001 data keys$/m);
    expect(stdout).toMatch(/keys destroy may be run for 1 data key$/m);
    expect(stdout.match(/^ {2}and .* more$/gm)).toEqual(['  and 982 more', '  and 981 more']);
    const plan = JSON.parse((await operator.keys('plan', '--json')).stdout) as KeyPlan;
    expect(plan.counts).toEqual({ rotate: 1_002, retire: 1_001, destroy: 1 });
  });

  it('ask about as many as they rotate', async () => {
    const { code, stdout } = await operator.keys('rotate');
    expect({ code, stdout }).toEqual({
      code: 2,
      stdout: expect.stringMatching(/^This replaces 1,002 active data keys\n/),
    });
  });

  it('ask about all that they shred of a tenant', async () => {
    const { code, stdout } = await operator.keys('shred-tenant', 'acme');
    expect({ code, stdout }).toEqual({
      code: 2,
      stdout: expect.stringMatching(/^This erases 2 data keys of tenant "acme" with 1 token set\n/),
    });
  });

  it('retire all that are empty', async () => {
    const { code, stdout } = await operator.keys('retire', '--all-empty', '--yes');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^This retires 1,001 data keys\n/);
    expect(stdout.match(/^Retired /gm)).toHaveLength(MANY);
    expect(await operator.dataKeys.findBy({ state: 'decrypt_only' })).toEqual([
      expect.objectContaining({ tenantId: 'acme' }),
    ]);
  });
});
