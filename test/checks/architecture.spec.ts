import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ICruiseResult } from 'dependency-cruiser';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allowed, forbidden } from './architecture.cases.js';
import { projectRoot, writeProject } from './fixture.js';

const { forbidden: rules } = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as {
  forbidden: { name: string }[];
};

/** One file per case, so that a violation is known by the file it comes from; the cases' placeholder is "x". */
const importer = (from: string, index: number): string =>
  from.replace(/(?<=[/-])x(?=\.(?:spec\.)?ts$)/, `case${index}`);

/** What the case of the cycle imports imports it back. */
const roundTrip = { 'libs/token/src/keys/round.ts': "import type * as back from './circle.js';\n" };

const project = await writeCases();
let violations: { from: string; rule: string }[];

beforeAll(async () => {
  violations = (await cruise()).summary.violations.map(({ from, rule }) => ({ from, rule: rule.name }));
});
afterAll(() => project.remove());

describe('the dependency rules', () => {
  it.each(forbidden.map((row, index) => [...row, index] as const))(
    'refuse %s → %s',
    (from, _to, rule, index) => {
      expect(violations).toContainEqual({ from: importer(from, index), rule });
    },
  );

  it.each(allowed.map((row, index) => [...row, forbidden.length + index] as const))(
    'allow %s → %s',
    (from, _to, index) => {
      expect(violations.filter((violation) => violation.from === importer(from, index))).toEqual([]);
    },
  );

  it('each have a case that proves them', () => {
    expect(new Set(forbidden.map(([, , rule]) => rule))).toEqual(new Set(rules.map((rule) => rule.name)));
  });
});

async function writeCases(): ReturnType<typeof writeProject> {
  const files: Record<string, string> = {
    'package.json': '{"type":"module","workspaces":["libs/token"]}',
    ...roundTrip,
  };
  for (const [index, [from, to]] of [...forbidden, ...allowed].entries()) {
    const up = '../'.repeat(from.split('/').length - 1);
    const specifier = to.endsWith('.ts') ? up + to.replace(/\.ts$/, '.js') : to;
    if (to.endsWith('.ts')) files[to] ??= '';
    const file = importer(from, index);
    files[file] = `${files[file] ?? ''}import type * as to${index} from '${specifier}';\n`;
  }
  for (const name of ['tsconfig.json', '.dependency-cruiser.cjs', 'libs/token/package.json']) {
    files[name] = await readFile(join(projectRoot, name), 'utf8');
  }
  const written = await writeProject(files);
  await mkdir(join(written.root, 'node_modules/@tokenward'), { recursive: true });
  await symlink(join(written.root, 'libs/token'), join(written.root, 'node_modules/@tokenward/nestjs'));
  for (const name of ['typeorm', '@nestjs', '@willsoto', 'prom-client', 'jose', 'oidc-provider']) {
    await symlink(join(projectRoot, 'node_modules', name), join(written.root, 'node_modules', name));
  }
  return written;
}

function cruise(): Promise<ICruiseResult> {
  const program = join(projectRoot, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const folders = ['src', 'libs', 'test', 'examples', 'bench'];
  return new Promise((resolve, reject) => {
    // It ends with an error, as it should: the violations are the result.
    const options = { cwd: project.root, maxBuffer: 2 ** 26 };
    execFile(
      process.execPath,
      [program, '--output-type', 'json', ...folders],
      options,
      (_error, out, problems) => {
        if (out === '') reject(new Error(problems));
        else resolve(JSON.parse(out) as ICruiseResult);
      },
    );
  });
}
