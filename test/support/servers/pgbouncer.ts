import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from './find-mariadb.js';
import { freePort } from './free-port.js';
import type { DatabaseServer, ServerAddress } from './server.js';

const START_TIMEOUT_MS = 10_000;

/** A connection pooler in transaction mode in front of a PostgreSQL server. */
export async function startPgbouncer(server: ServerAddress): Promise<DatabaseServer> {
  const program = findProgram('pgbouncer');
  if (!program) throw new Error('pgbouncer is not installed');
  const directory = await mkdtemp(join(tmpdir(), 'tokenward-pgbouncer-'));
  // As root it gives up its rights to another user, who has to read this.
  await chmod(directory, 0o755);
  const port = await freePort();
  const file = join(directory, 'pgbouncer.ini');
  await writeFile(
    file,
    `[databases]
* = host=${server.host} port=${server.port} user=${server.username} password=${server.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
`,
  );
  const log: string[] = [];
  const child = spawn(program, [...(userInfo().uid === 0 ? ['-u', 'nobody'] : []), file]);
  child.stderr.on('data', (chunk) => log.push(String(chunk)));
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      child.kill('SIGINT');
      await once(child, 'exit');
    }
    await rm(directory, { recursive: true });
  };
  for (const deadline = Date.now() + START_TIMEOUT_MS; !(await answers(port)); await sleep(20))
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`PgBouncer did not start:\n${log.join('')}`);
    }
  return { address: { ...server, host: '127.0.0.1', port }, stop };
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
