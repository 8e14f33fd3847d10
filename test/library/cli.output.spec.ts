import { closeSync, openSync } from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { KeyStatus } from '@tokenward/nestjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freshKeyring } from '../support/app.js';
import { Operator } from '../support/operator.js';
import { requirement } from '../support/optional.js';
import { SmallDisk } from '../support/small-disk.js';

describe('The command line', () => {
  let operator: Operator;
  beforeEach(async () => {
    operator = await Operator.start('postgres', 'acme', 'umbrella', 'wayne');
  });
  afterEach(() => operator.stop());

  const status = async (): Promise<KeyStatus> =>
    JSON.parse((await operator.keys('status', '--json')).stdout) as KeyStatus;
  const codeOf = async (child: ChildProcess): Promise<number> => (await once(child, 'exit'))[0] as number;
  /** As with `2>&1 | true`: who was to read is gone before the first line. */
  function runUnread(...args: string[]): Promise<number> {
    const child = operator.directory.start(...args);
    child.stdout!.destroy();
    child.stderr!.destroy();
    return codeOf(child);
  }

  it('does all that was asked for although nobody reads what it says', async () => {
    expect(await runUnread('keys', 'rotate', '--yes')).toBe(0);
    const { states, reencryption } = await status();
    expect([states, reencryption]).toMatchObject([{ active: 3, decrypt_only: 3 }, { rowsLeft: 0 }]);
    expect(await runUnread('keys', 'retire', '--all-empty', '--yes')).toBe(0);
    expect((await status()).states).toMatchObject({ active: 3, retired: 3 });
  });

  it('stops looking again and again once nobody reads it, and still tells that something needs attention', async () => {
    operator.directory.write('keyring', freshKeyring('2'));
    const child = operator.directory.start('keys', 'status', '--watch', '1');
    child.stdout!.once('data', () => child.stdout!.destroy());
    expect(await codeOf(child)).toBe(3);
  });

  it.skipIf(!requirement('smallDisk').available)(
    'that fills the disk does all that was asked for, says that its output is not all, and ends with 1',
    async () => {
      const disk = new SmallDisk();
      const log = openSync(join(disk.path, 'log'), 'a');
      disk.fill();
      const child = operator.directory.startWith(['ignore', log, 'pipe'], 'keys', 'rotate', '--yes');
      const [code, told] = await Promise.all([codeOf(child), text(child.stderr!)]);
      closeSync(log);
      disk.remove();
      expect({ code, told }).toEqual({
        code: 1,
        told: expect.stringMatching(/^Not all that this command says could be written: ENOSPC/m),
      });
      const { states, reencryption } = await status();
      expect([states, reencryption]).toMatchObject([{ active: 3, decrypt_only: 3 }, { rowsLeft: 0 }]);
    },
  );
});
