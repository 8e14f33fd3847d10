import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

/** Builds what `npm start` would build, once for all test files: some of them run the app as its user does. */
export default async function setup(): Promise<void> {
  for (const project of ['libs/token', 'libs/browser', '.']) {
    await run(join(root, 'node_modules/.bin/tsc'), ['-p', join(project, 'tsconfig.build.json')], {
      cwd: root,
    });
  }
  await run(join(root, 'node_modules/.bin/rolldown'), ['-c'], { cwd: root });
}
