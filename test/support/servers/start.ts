import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { DatabaseServer, ServerAddress, ServerKind } from './server.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const host = fileURLToPath(new URL('./host.ts', import.meta.url));

/** Starts an empty database server, which ends with this process at the latest. */
export async function startServer(kind: ServerKind): Promise<DatabaseServer> {
  const child = spawn(process.execPath, ['--import', '@oxc-node/core/register', host, kind], {
    cwd: root,
    // Not in this process's group: Ctrl-C must not reach the server before the tests that use it have ended.
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const address = await firstLine(child, kind);
  return {
    address: JSON.parse(address) as ServerAddress,
    async stop() {
      child.stdin.end();
      await exited;
      if (child.exitCode !== 0) throw new Error(`${kind} did not stop cleanly, see its output`);
    },
  };
}

async function firstLine(child: ChildProcess, kind: ServerKind): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) return line;
  throw new Error(`${kind} did not start, see its output`);
}
