import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tokenMigrations } from '@tokenward/nestjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);

describe('The TypeORM CLI with ormconfig.ts', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tokenward-cli-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const typeorm = async (
    command: string,
    url = `sqlite:${join(directory, 'cli.sqlite')}`,
  ): Promise<string> => {
    const { stdout } = await run('npm', ['run', '-s', 'typeorm', '--', command], {
      env: { ...process.env, DATABASE_URL: url },
    });
    return stdout;
  };

  it('runs, shows and reverts the migrations', async () => {
    const ran = await typeorm('migration:run');
    expect(ran).toMatch(/CreateTokenwardTables\d+ has been .*executed successfully/);
    expect(ran).toMatch(/AddKeyRotation\d+ has been .*executed successfully/);
    const shown = await typeorm('migration:show');
    expect(shown).toMatch(/\[X\] 1 CreateTokenwardTables/);
    expect(shown).toMatch(/\[X\] 2 AddKeyRotation/);
    expect(shown).toMatch(/\[X\] 3 AddRevocationOutbox/);
    // The last one each time.
    for (const { name } of tokenMigrations.toReversed())
      expect(await typeorm('migration:revert')).toMatch(
        new RegExp(`${name} has been .*reverted successfully`),
      );
  });

  it('says what is wrong with the address of the database', async () => {
    await expect(typeorm('migration:show', 'oracle://x')).rejects.toThrow(/DATABASE_URL must be postgres:/);
  });
});
