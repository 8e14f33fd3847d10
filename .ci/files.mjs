import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, run } from './command.mjs';

/** The project's own files as git sees them, the new ones too. */
export function projectFiles(root = projectRoot) {
  const { ok, stdout, output } = run(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: root,
    },
  );
  if (!ok) throw new Error(`git does not list the files: ${output}`);
  return stdout.split('\0').filter((file) => statSync(join(root, file), { throwIfNoEntry: false })?.isFile());
}

export const readText = (file, root = projectRoot) => readFileSync(join(root, file), 'utf8');
