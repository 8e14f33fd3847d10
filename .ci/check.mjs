// `npm run check`: everything about the project that a machine can judge, but the tests.
// `npm run check -- words docs` runs some. A failing check does not stop those after it.
import { problemsOf } from './command.mjs';
import docs from './checks/docs.mjs';
import lockfile from './checks/lockfile.mjs';
import packed from './checks/package.mjs';
import sources from './checks/sources.mjs';
import words from './checks/words.mjs';

const folders = ['src', 'libs', 'test', 'bench', 'examples'];
const checks = {
  format: () => problemsOf('prettier', ['--check', '--log-level=warn', '.']),
  lint: () => problemsOf('oxlint', ['--type-aware', '--deny-warnings']),
  types: () => problemsOf('tsc', ['--noEmit', '-p', 'tsconfig.json']),
  dependencies: () => problemsOf('depcruise', folders),
  sources,
  unused: () => problemsOf('knip', ['--treat-config-hints-as-errors']),
  build: () => problemsOf('npm', ['run', 'build']),
  api: async () => (await import('./checks/api.mjs')).default(),
  package: packed,
  size: async () => (await import('./checks/size.mjs')).default(),
  lockfile,
  words,
  docs,
};

const names = process.argv.slice(2);
const unknown = names.filter((name) => !Object.hasOwn(checks, name));
if (unknown.length > 0) throw new Error(`no check "${unknown}"; there are ${Object.keys(checks).join(', ')}`);

const failed = [];
for (const name of names.length > 0 ? names : Object.keys(checks)) {
  const started = performance.now();
  const problems = await outcome(checks[name]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)`);
  for (const problem of problems) console.log(problem.replace(/^/gm, '        '));
  if (problems.length > 0) failed.push(name);
}
console.log(failed.length === 0 ? 'All checks passed.' : `Failed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function outcome(check) {
  try {
    return await check();
  } catch (error) {
    return [error instanceof Error ? error.stack : String(error)];
  }
}
