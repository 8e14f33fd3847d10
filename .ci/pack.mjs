import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, run } from './command.mjs';

export const packages = ['libs/token', 'libs/browser'];

/** Packs a built package as `npm publish` would; npm says the name of the tarball and its files. */
export function pack(directory, workspace = 'libs/token') {
  if (!existsSync(join(projectRoot, workspace, 'dist'))) throw new Error('build first: npm run build');
  const packed = run('npm', [
    'pack',
    '--json',
    `--workspace=${workspace}`,
    `--pack-destination=${directory}`,
  ]);
  if (!packed.ok) throw new Error(packed.output);
  return [JSON.parse(packed.stdout)].flat()[0];
}
