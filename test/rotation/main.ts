import { DataSource, type DataSourceOptions } from 'typeorm';
import { freshKeyring } from '../support/app.js';
import { ArgumentError, readOptions, runCommand, wholeNumber } from '../support/command.js';
import { startProvider } from '../support/provider.js';
import { bundleProcess } from '../support/rotation/bundle.js';
import { type Outcome, play } from '../support/rotation/play.js';
import type { ServerKind } from '../support/servers/server.js';
import { startServer } from '../support/servers/start.js';

const KINDS: readonly ServerKind[] = ['postgres', 'mariadb'];

interface Arguments {
  rows: number;
  seconds: number;
  reads: number;
  kinds: readonly ServerKind[];
}

/** @throws ArgumentError */
function readArguments(): Arguments {
  const { rows, seconds, reads, database } = readOptions({
    rows: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '30' },
    reads: { type: 'string', default: '500' },
    database: { type: 'string', multiple: true, default: [...KINDS] },
  });
  const unknown = database.find((kind) => !KINDS.includes(kind as ServerKind));
  if (unknown !== undefined)
    throw new ArgumentError(`--database takes ${KINDS.join(' or ')}, not "${unknown}".`);
  return {
    rows: wholeNumber('rows', rows, 1),
    seconds: wholeNumber('seconds', seconds, 1),
    reads: wholeNumber('reads', reads, 1),
    kinds: database as ServerKind[],
  };
}

/** The long form of test/rotation/rotation.spec.ts: the same play with more rows, more kills, for longer. */
async function main(): Promise<void> {
  const asked = readArguments();
  const bundle = await bundleProcess('replica.process');
  const table: object[] = [];
  try {
    for (const kind of asked.kinds) {
      const outcome = await playOn(kind, asked, bundle.file);
      table.push(rowOf(kind, outcome));
      for (const violation of outcome.violations.slice(0, 20)) console.error(`${kind}: ${violation}`);
      if (outcome.violations.length > 0) process.exitCode = 1;
    }
  } finally {
    await bundle.remove();
  }
  console.table(table);
}

async function playOn(kind: ServerKind, { rows, reads, seconds }: Arguments, file: string): Promise<Outcome> {
  const server = await startServer(kind);
  const provider = await startProvider({ accessTokenTtlSeconds: 3600 });
  try {
    const address = { type: kind, ...server.address } as DataSourceOptions;
    const admin = await new DataSource({
      ...address,
      ...(kind === 'postgres' && { database: 'postgres' }),
    } as DataSourceOptions).initialize();
    await admin.query('CREATE DATABASE rotation');
    await admin.destroy();
    return await play({
      database: { ...address, database: 'rotation' } as DataSourceOptions,
      file,
      provider,
      keyring: freshKeyring(),
      rows,
      refreshedRows: Math.min(500, Math.ceil(rows / 20)),
      readsPerSecond: reads,
      seconds,
      killEveryMs: 1000,
      say: (what) => console.error(`${kind}, ${(performance.now() / 1000).toFixed(0)} s: ${what}`),
    });
  } finally {
    await provider.stop();
    await server.stop();
  }
}

function rowOf(database: string, outcome: Outcome): object {
  const { rows, reads, writes, refreshes, kills, failed, lost, cutOff, fenced, seconds } = outcome;
  return {
    scenario: 'rotation under load',
    database,
    rows,
    reads,
    writes,
    refreshes,
    failed,
    lost,
    'cut off at the provider': cutOff,
    'writes refused': fenced,
    kills,
    seconds: seconds.toFixed(1),
    'rows/s': Math.round(rows / seconds),
  };
}

await runCommand(main);
