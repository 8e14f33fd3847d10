import { execFile } from 'node:child_process';
import { cp, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { right, wrong } from './checks.cases.js';
import { projectRoot, writeProject } from './fixture.js';

const configuration = [
  '.oxlintrc.json',
  '.prettierrc.json',
  '.prettierignore',
  'tsconfig.json',
  '.gitignore',
];

/** Runs `npm run check -- <names>` on a project that holds these files and the configuration of this one. */
async function check(
  names: string[],
  files: Record<string, string>,
): Promise<{ code: number; output: string }> {
  const texts = await Promise.all(configuration.map((file) => readFile(join(projectRoot, file), 'utf8')));
  const configured = Object.fromEntries(configuration.map((file, index) => [file, texts[index]!]));
  const { root, remove } = await writeProject({ ...configured, ...files });
  onTestFinished(remove);
  await cp(join(projectRoot, '.ci'), join(root, '.ci'), { recursive: true });
  await symlink(join(projectRoot, 'node_modules'), join(root, 'node_modules'));
  await promisify(execFile)('git', ['init', '--quiet'], { cwd: root });
  return new Promise((resolve) => {
    execFile(process.execPath, ['.ci/check.mjs', ...names], { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr });
    });
  });
}

describe('npm run check', () => {
  it.each(right.map(([name, files]) => ({ name, files })))(
    '$name passes what is right ($#)',
    async ({ name, files }) => {
      expect(await check([name], files)).toMatchObject({ code: 0, output: expect.stringMatching(/^ok +/m) });
    },
  );

  it.each(wrong.map(([name, files, complaint]) => ({ name, files, complaint })))(
    '$name says $complaint',
    async ({ name, files, complaint }) => {
      expect(await check([name], files)).toMatchObject({ code: 1, output: expect.stringMatching(complaint) });
    },
  );

  it('goes on after a check that fails, and fails in the end', async () => {
    const { code, output } = await check(['docs', 'words'], { 'a.md': '[b](b.md)' });
    expect(code).toBe(1);
    expect(output).toMatch(/^FAILED {2}docs .*^ok {4} {2}words .*^Failed: docs$/ms);
  });

  it('refuses to run a check that does not exist', async () => {
    expect(await check(['wrods'], {})).toMatchObject({
      code: 1,
      output: expect.stringContaining('no check'),
    });
  });
});
