import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiSurface } from '../api-surface.mjs';
import { projectRoot, run } from '../command.mjs';
import { packages } from '../pack.mjs';

export const snapshotOf = (workspace) => join(projectRoot, workspace, 'api.snapshot.txt');

/** A change of what users of a package see is made on purpose: with the file that lists it. */
export default function check() {
  return packages.flatMap((workspace) =>
    problems(apiSurface(join(projectRoot, workspace)), snapshotOf(workspace)),
  );
}

function problems(surface, file) {
  if (!existsSync(file)) return [`no ${file} yet: npm run api:update`];
  if (readFileSync(file, 'utf8') === surface) return [];
  return [
    `The public API is not what the snapshot says. If that is meant: npm run api:update\n${diff(file, surface)}`,
  ];
}

function diff(file, surface) {
  const directory = mkdtempSync(join(tmpdir(), 'tokenward-api-'));
  try {
    writeFileSync(join(directory, 'now'), surface);
    const { output } = run('git', ['diff', '--no-index', '--no-color', '-U2', file, join(directory, 'now')]);
    return output.split('\n').slice(4).join('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}
