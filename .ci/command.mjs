import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('..', import.meta.url));

/** Runs a program from node_modules/.bin or the system; the output of one that fails is what is wrong. */
export function run(program, args, { cwd = projectRoot } = {}) {
  const path = [`${projectRoot}node_modules/.bin`, process.env.PATH].join(
    process.platform === 'win32' ? ';' : ':',
  );
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, PATH: path, FORCE_COLOR: '0', NO_COLOR: '1' },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    shell: process.platform === 'win32',
  });
  if (error) throw error;
  return { ok: status === 0, stdout, output: `${stdout}${stderr}`.trim() };
}

/** A check that is nothing but a command: no problem when it ends well, its output when it does not. */
export function problemsOf(program, args) {
  const { ok, output } = run(program, args);
  return ok ? [] : [output || `${program} failed without a word`];
}
