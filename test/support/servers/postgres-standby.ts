import { chown, cp, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from './free-port.js';
import { fast, local, pgCtl } from './postgres.js';
import type { CrashingServer, ServerAddress } from './server.js';

/** A copy of a running PostgreSQL that goes on to follow it, without waiting of the one for the other. */
export async function startPostgresStandby(primary: ServerAddress): Promise<CrashingServer> {
  const directory = await mkdtemp(join(tmpdir(), 'tokenward-standby-'));
  const address = { ...primary, port: await freePort() };
  await copyOf(primary, directory);
  const settings = [...fast, ...local, `port=${address.port}`];
  // Its output must not keep the pipe of this process open.
  const start = (): Promise<void> =>
    pgCtl(directory, [
      'start',
      '--wait',
      `--log=${join(directory, 'log')}`,
      `--options=${settings.map((setting) => `-c ${setting}`).join(' ')}`,
    ]);
  const stop = (mode: string): Promise<void> => pgCtl(directory, ['stop', `--mode=${mode}`, '--wait']);
  await start();
  let running = true;
  return {
    address,
    async crash() {
      running = false;
      await stop('immediate');
    },
    async restart() {
      await start();
      running = true;
    },
    async stop() {
      if (running) await stop('fast');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A base backup, as the files are copied by hand. */
async function copyOf({ host, port, username, password }: ServerAddress, directory: string): Promise<void> {
  const client = new Client({ host, port, user: username, password, database: 'postgres' });
  await client.connect();
  try {
    const found = await client.query<{ directory: string }>(
      "SELECT current_setting('data_directory') AS directory",
    );
    const source = found.rows[0]!.directory;
    await client.query("SELECT pg_backup_start('standby', true)");
    // Files may vanish while they are copied: what has to be there is in the WAL.
    await cp(source, directory, {
      recursive: true,
      filter: (path) => !/postmaster\.(?:pid|opts)$|pgsql_tmp/.test(path),
    });
    const backup = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop()');
    await writeFile(join(directory, 'backup_label'), backup.rows[0]!.labelfile);
    await writeFile(join(directory, 'standby.signal'), '');
    const conninfo = `host=${host} port=${port} user=${username} password=${password}`;
    await writeFile(join(directory, 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`);
    await giveTo(source, directory);
  } finally {
    await client.end();
  }
}

/** Copied by root, they are root's. */
async function giveTo(source: string, directory: string): Promise<void> {
  const { uid, gid } = await stat(source);
  const inside = await readdir(directory, { recursive: true });
  for (const path of ['', ...inside]) await chown(join(directory, path), uid, gid);
}
