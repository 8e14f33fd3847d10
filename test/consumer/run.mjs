// Uses the packed library as its users do: outside the repository, installed from a tarball, with their own
// compiler, on both majors of NestJS and TypeORM. Prints one line per check.
import '@oxc-node/core/register';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../.ci/command.mjs';
import { pack } from '../../.ci/pack.mjs';
import { applications, manifest, tsconfig } from './applications.mjs';

// Not before the registration above, since it is TypeScript underneath.
const { commandLine, compile, install, run, start } = await import('./steps.mjs');
let failures = 0;

const directory = await mkdtemp(join(tmpdir(), 'tokenward-consumer-'));
try {
  await run('npm', ['run', 'build'], projectRoot);
  const tarball = join(directory, pack(directory).filename);
  for (const application of applications) await tryOut(application, tarball);
} finally {
  await rm(directory, { recursive: true });
}
console.log(failures === 0 ? 'The package serves its consumers.' : `${failures} failed.`);
process.exitCode = failures === 0 ? 0 : 1;

async function tryOut({ name, versions }, tarball) {
  const root = await mkdtemp(join(directory, 'app-'));
  await cp(new URL('app', import.meta.url), root, { recursive: true });
  await writeFile(join(root, 'package.json'), JSON.stringify(manifest(versions, tarball)));
  await writeFile(join(root, 'tsconfig.json'), JSON.stringify(tsconfig));
  if (!(await check(`${name}: npm install`, () => install(root)))) return;
  if (!(await check(`${name}: compile`, () => compile(root)))) return;
  await check(`${name}: run`, () => start(root));
  await check(`${name}: command line`, () => commandLine(root));
  await check(`${name}: require`, () => run(process.execPath, ['required.cjs'], root));
}

async function check(name, action) {
  try {
    const output = await action();
    console.log(`ok      ${name}`);
    if (output) console.log(output.trim().replace(/^/gm, '        '));
    return true;
  } catch (error) {
    failures += 1;
    console.log(`FAILED  ${name}\n${error.stdout ?? ''}${error.stack}`);
    return false;
  }
}
