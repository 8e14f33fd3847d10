import { DatabaseFaults } from '@tokenward/nestjs/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Outcome } from '../support/cli.js';
import { Operator } from '../support/operator.js';

describe('A keys command that does not find everything as it was', () => {
  let operator: Operator;
  beforeEach(async () => {
    operator = await Operator.start('postgres', 'acme', 'umbrella', 'wayne');
  });
  afterEach(() => operator.stop());

  /** Replaces all keys and moves the rows. The key of each tenant that only opens. */
  async function empty(): Promise<(tenantId: string) => string> {
    expect((await operator.keys('rotate', '--yes')).code).toBe(0);
    const old = await operator.dataKeys.findBy({ state: 'decrypt_only' });
    return (tenantId) => old.find((key) => key.tenantId === tenantId)!.id;
  }
  const retireEmpty = (whileItAsks: () => Promise<void>): Promise<Outcome> =>
    operator.directory.runInTerminal(
      ['keys', 'retire', '--all-empty'],
      [() => whileItAsks().then(() => 'y')],
    );
  const stateOf = async (id: string): Promise<string> =>
    (await operator.dataKeys.findOneByOrFail({ id })).state;

  it('erases the tokens that an interrupted shredding has left, when it is repeated', async () => {
    const row = () => operator.rows.findOneByOrFail({ tenantId: 'acme' });
    new DatabaseFaults(operator.replica.dataSource).fail(/^SELECT id FROM \S*tokenward_tokens/, 'before');
    await expect(operator.replica.keys.shredTenant('acme')).rejects.toThrow('connection terminated');
    expect(await row()).toMatchObject({ status: 'active', accessCt: expect.any(String) });
    const { code, stdout } = await operator.directory.runInTerminal(
      ['keys', 'shred-tenant', 'acme'],
      ['acme'],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^The data keys of tenant "acme" are destroyed already\. This erases what is left: 1 token set\.$/m,
    );
    expect(stdout).toMatch(/^Shredded tenant "acme": 0 data keys destroyed, 1 token set erased\.$/m);
    expect(await row()).toMatchObject({ status: 'revoked', accessCt: null });
    expect((await operator.keys('shred-tenant', 'acme', '--yes')).code).toBe(0);
  });

  it('retires the other keys although one was retired and one was sealed under meanwhile', async () => {
    const { accessCt } = await operator.rows.findOneByOrFail({ tenantId: 'umbrella' });
    const keyOf = await empty();
    const { code, stdout } = await retireEmpty(async () => {
      await operator.replica.keys.retire(keyOf('acme'));
      await operator.rows.update({ tenantId: 'umbrella' }, { accessCt });
    });
    expect(code).toBe(1);
    expect(stdout).toContain(`KEY_STATE_INVALID: data key ${keyOf('acme')} is retired`);
    expect(stdout).toContain(`KEY_IN_USE: 1 row(s) are still under data key ${keyOf('umbrella')}`);
    expect(stdout).toMatch(/^KEY_IN_USE: 1 key is in use again, see above; the others are retired\.$/m);
    expect([await stateOf(keyOf('umbrella')), await stateOf(keyOf('wayne'))]).toEqual([
      'decrypt_only',
      'retired',
    ]);
  });

  it('ends well when somebody else has retired a key meanwhile', async () => {
    const keyOf = await empty();
    expect((await retireEmpty(() => operator.replica.keys.retire(keyOf('acme')))).code).toBe(0);
    expect(await operator.dataKeys.countBy({ state: 'retired' })).toBe(3);
  });
});
