import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const root = join(import.meta.dirname, '..', '..', '..');
const FLAGS = ['--conditions=@tokenward/source', '--import', '@oxc-node/core/register'];
/** What a terminal would make of the standard error. */
const TERMINAL = 'data:text/javascript,process.stderr.isTTY=true;process.stderr.columns=120';

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** `tokenward import …` in a process of its own. */
export async function tokenwardImport(
  args: readonly string[],
  env: Record<string, string> = {},
  onTerminal = false,
): Promise<Outcome> {
  const flags = onTerminal ? ['--import', TERMINAL, ...FLAGS] : FLAGS;
  const child = spawn(process.execPath, [...flags, 'libs/token/src/cli/main.ts', 'import', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await closed) as [number];
  return { code, stdout, stderr };
}
