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
    const shown = await typeorm('migration:show');
    for (const [index, { name }] of tokenMigrations.entries()) {
      expect(ran).toMatch(new RegExp(`${name} has been .*executed successfully`));
      expect(shown).toContain(`[X] ${index + 1} ${name}`);
    }
    // The last one each time.
    for (const { name } of tokenMigrations.toReversed())
      expect(await typeorm('migration:revert')).toMatch(
        new RegExp(`${name} has been .*reverted successfully`),
      );
  }, 180_000);

  it('says what is wrong with the address of the database', async () => {
    await expect(typeorm('migration:show', 'oracle://x')).rejects.toThrow(/DATABASE_URL must be postgres:/);
  });
});
