import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { problemsOf } from '../command.mjs';
import { pack, packages } from '../pack.mjs';

const wanted = /^(?:package\.json|README\.md|LICENSE|dist\/.+\.(?:js|d\.ts)(?:\.map)?)$/;
const unwanted = /\.spec\.|__/;
const required = ['package.json', 'README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts'];

/** Looks at the packed packages as a user gets them. */
export default function check() {
  return packages.flatMap((workspace) => problems(workspace).map((problem) => `${workspace}: ${problem}`));
}

function problems(workspace) {
  const directory = mkdtempSync(join(tmpdir(), 'tokenward-pack-'));
  try {
    const { filename, files } = pack(directory, workspace);
    const tarball = join(directory, filename);
    return [
      ...fileProblems(files.map((file) => file.path)),
      ...problemsOf('publint', ['run', tarball, '--strict']),
      ...problemsOf('attw', [tarball, '--profile', 'esm-only', '--no-emoji']),
    ];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function fileProblems(paths) {
  return [
    ...required.filter((path) => !paths.includes(path)).map((path) => `the package lacks ${path}`),
    ...paths
      .filter((path) => !wanted.test(path) || unwanted.test(path))
      .map((path) => `the package holds ${path}, which its users do not need`),
  ];
}
