import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { describe, inject } from 'vitest';
import { requirement } from './optional.js';
import type { ServerAddress, ServerKind } from './servers/server.js';

export const databaseKinds = ['sqlite', 'postgres', 'mariadb'] as const;
export type DatabaseKind = (typeof databaseKinds)[number];

/** An empty database of its own; `options` lack only entities and migrations. */
export interface TestDatabase {
  options: DataSourceOptions;
  drop: () => Promise<void>;
}

export interface DatabaseUnderTest {
  kind: DatabaseKind;
  createDatabase: () => Promise<TestDatabase>;
}

/** Describes the same behaviour once for each database; those this machine lacks are shown as skipped. */
export function describeOnEachDatabase(
  name: string,
  tests: (database: DatabaseUnderTest) => void,
  kinds: readonly DatabaseKind[] = databaseKinds,
): void {
  for (const kind of kinds) {
    const missing = kind === 'mariadb' && !requirement('mariadb').available;
    describe.skipIf(missing)(`${name} on ${kind}`, () => {
      tests({ kind, createDatabase: create[kind] });
    });
  }
}

/** An empty database of one kind, for behaviour that does not depend on it. */
export const createDatabase = (kind: DatabaseKind): Promise<TestDatabase> => create[kind]();

const create: Record<DatabaseKind, () => Promise<TestDatabase>> = {
  async sqlite() {
    const directory = await mkdtemp(join(tmpdir(), 'tokenward-sqlite-'));
    return {
      options: { type: 'better-sqlite3', database: join(directory, 'database.sqlite') },
      drop: () => rm(directory, { recursive: true }),
    };
  },

  async postgres() {
    const server = { type: 'postgres', ...addressOf('postgres') } as const;
    const database = freshName();
    await execute({ ...server, database: 'postgres' }, `CREATE DATABASE ${database}`);
    return {
      options: { ...server, database },
      drop: () => dropPostgres({ ...server, database: 'postgres' }, database),
    };
  },

  async mariadb() {
    const server = { type: 'mariadb', ...addressOf('mariadb') } as const;
    const database = freshName();
    await execute(server, `CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
    return {
      options: { ...server, database },
      drop: () => execute(server, `DROP DATABASE ${database}`),
    };
  },
};

function addressOf(kind: ServerKind): ServerAddress {
  const address = inject('databases')[kind];
  if (!address) throw new Error(`No ${kind} server runs: check requirement('${kind}') first`);
  return address;
}

/** A connection that a test forgot to close fails that test, and is closed for the tests after it. */
async function dropPostgres(server: DataSourceOptions, database: string): Promise<void> {
  try {
    await execute(server, `DROP DATABASE ${database}`);
  } catch (error) {
    await execute(server, `DROP DATABASE ${database} WITH (FORCE)`);
    throw error;
  }
}

async function execute(server: DataSourceOptions, sql: string): Promise<void> {
  const source = await new DataSource(server).initialize();
  try {
    await source.query(sql);
  } finally {
    await source.destroy();
  }
}

const freshName = (): string => `test_${randomBytes(8).toString('hex')}`;
