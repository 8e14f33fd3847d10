import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { LINES } from '../faults/scenarios.js';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const flags = ['--conditions=@tokenward/source', '--import', '@oxc-node/core/register'];

const run = (file: string, args: readonly string[]) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [...flags, file, ...args], { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

/** Most of these commands load everything before they read their arguments. */
const TIME_OUT_MS = 180_000;
const lines = LINES.join(', ');

describe('A command of the tests or the benchmarks that is called in a wrong way', () => {
  it.each([
    ['test/faults/main.ts', '--only 3,abc', `--only takes lines out of ${lines}, not "abc".`],
    ['test/faults/main.ts', '--database oracle', '--database takes postgres or mariadb, not "oracle".'],
    ['test/simulation/main.ts', '--seeds abc', '--seeds takes a whole number from 1, not "abc".'],
    ['test/simulation/main.ts', '--seeds 0', '--seeds takes a whole number from 1, not "0".'],
    ['test/simulation/main.ts', '--seed 1.5', '--seed takes a whole number from 0, not "1.5".'],
    ['test/simulation/main.ts', '--seads 5', "Unknown option '--seads'; known are --seeds, --seed."],
    ['test/rotation/main.ts', '--database oracle', '--database takes postgres or mariadb, not "oracle".'],
    [
      'bench/run.ts',
      'strom',
      'There is no "strom"; known are crypto, read, start, keys, refresh, storm, bff.',
    ],
  ])(
    '%s %s says in one sentence what is wrong',
    async (file, args, sentence) => {
      expect(await run(file, args.split(' '))).toEqual({ code: 2, stdout: '', stderr: `${sentence}\n` });
    },
    TIME_OUT_MS,
  );
});
