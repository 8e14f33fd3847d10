import { execFileSync } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { randomId } from '../crypto/random.js';
import { SpoolDirectory } from './spool-directory.js';

/** What may be opened for writing is being opened for reading: that read finds the end. */
function endReads(path: string): void {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
  }
}

describe('A spool directory that hangs', () => {
  let path: string;
  /** Reads that have not ended. */
  const left = new Set<Promise<unknown>>();
  const names = Array.from({ length: 8 }, () => `${randomId()}.spool`);

  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'tokenward-spool-'));
    // To open a pipe that nobody writes to takes for ever, as a file of a server that is gone does.
    execFileSync(
      'mkfifo',
      names.map((name) => join(path, name)),
    );
    const directory = new SpoolDirectory(path);
    for (const name of names) {
      const read = directory.read(name).finally(() => left.delete(read));
      left.add(read);
    }
  });
  afterEach(async () => {
    while (left.size > 0) {
      for (const name of names) endReads(join(path, name));
      await setTimeout(1);
    }
    rmSync(path, { recursive: true });
  });

  it('does not keep the process from finding the hosts of its database and of its providers', async () => {
    // One after the other, so that the last ones are asked for when all threads are taken that can be.
    for (const name of names)
      expect(await lookup('localhost'), name).toMatchObject({ family: expect.any(Number) });
    expect(left.size).toBe(names.length);
  });
});
