import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createConnection } from 'mysql2/promise';
import { findMariadb } from './find-mariadb.js';
import { freePort } from './free-port.js';
import type { CrashingServer, ServerAddress, ServerOptions } from './server.js';

const START_TIMEOUT_MS = 30_000;

export async function startMariadb({ durable, serverId }: ServerOptions): Promise<CrashingServer> {
  const program = findMariadb();
  if (!program) throw new Error('mariadbd is not installed');
  const directory = await mkdtemp(join(tmpdir(), 'tokenward-mariadb-'));
  const address = { host: '127.0.0.1', port: await freePort(), username: 'root', password: '' };
  // As root the server gives up its rights to the user Debian's package made for it.
  const common = [
    '--no-defaults',
    `--datadir=${directory}`,
    ...(userInfo().uid === 0 ? ['--user=mysql'] : []),
  ];
  await promisify(execFile)('mariadb-install-db', [...common, '--auth-root-authentication-method=normal']);
  const log: string[] = [];
  let server: ChildProcess;
  const start = async (): Promise<void> => {
    server = spawn(program, [
      ...common,
      `--port=${address.port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(directory, 'socket')}`,
      `--pid-file=${join(directory, 'pid')}`,
      '--max-connections=300',
      ...(serverId === undefined ? [] : ['--log-bin', `--server-id=${serverId}`]),
      // Nothing here has to survive a power cut; 2 is a write that the system has, 0 one that it may get within a second.
      `--innodb-flush-log-at-trx-commit=${durable ? 2 : 0}`,
    ]);
    server.stderr!.on('data', (chunk) => log.push(String(chunk)));
    await untilReady(server, address);
  };
  const crash = async (): Promise<void> => {
    server.kill('SIGKILL');
    await once(server, 'exit');
  };
  const stop = async (): Promise<void> => {
    await endProcess(server);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw new Error(`MariaDB did not start:\n${log.join('')}`, { cause: error });
  }
  return { address, crash, restart: start, stop };
}

async function untilReady(server: ChildProcess, { host, port, username }: ServerAddress): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      const connection = await createConnection({ host, port, user: username });
      return await connection.end();
    } catch (error) {
      if (server.exitCode !== null || server.signalCode !== null || Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

async function endProcess(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGTERM');
  await once(server, 'exit');
}
