import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { CrashingServer, ServerAddress, ServerKind, ServerOptions } from './server.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const host = fileURLToPath(new URL('./host.ts', import.meta.url));

/** Starts an empty database server, which ends with this process at the latest. */
export async function startServer(
  kind: ServerKind,
  options: ServerOptions = { durable: false },
): Promise<CrashingServer> {
  return hosted([kind, JSON.stringify(options)]);
}

/** The same for a PostgreSQL that follows another one; `SELECT pg_promote()` makes a primary of it. */
export const startStandby = (primary: ServerAddress): Promise<CrashingServer> =>
  hosted(['standby', JSON.stringify(primary)]);

async function hosted(order: [kind: string, options: string]): Promise<CrashingServer> {
  const [kind] = order;
  const args = ['--import', '@oxc-node/core/register', host, ...order];
  const child = spawn(process.execPath, args, {
    cwd: root,
    // Not in this process's group: Ctrl-C must not reach the server before the tests that use it have ended.
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${kind} has ended, see its output`);
    return value;
  };
  const tell = async (what: 'crash' | 'restart'): Promise<void> => {
    child.stdin.write(`${what}\n`);
    await answer();
  };
  return {
    address: JSON.parse(await answer()) as ServerAddress,
    crash: () => tell('crash'),
    restart: () => tell('restart'),
    async stop() {
      child.stdin.end();
      await exited;
      if (child.exitCode !== 0) throw new Error(`${kind} did not stop cleanly, see its output`);
    },
  };
}
