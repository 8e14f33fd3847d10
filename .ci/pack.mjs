import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, run } from './command.mjs';

/** Packs the built library as `npm publish` would; npm says the name of the tarball and its files. */
export function pack(directory) {
  if (!existsSync(join(projectRoot, 'libs/token/dist'))) throw new Error('build first: npm run build');
  const packed = run('npm', ['pack', '--json', '--workspace=libs/token', `--pack-destination=${directory}`]);
  if (!packed.ok) throw new Error(packed.output);
  return [JSON.parse(packed.stdout)].flat()[0];
}
