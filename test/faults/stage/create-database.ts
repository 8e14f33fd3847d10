import { randomBytes } from 'node:crypto';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { TestDatabase } from '../../support/database.js';
import type { ServerAddress, ServerKind } from '../../support/servers/server.js';

/** An empty database at this server, for processes that are no tests. */
export async function createDatabaseAt(kind: ServerKind, address: ServerAddress): Promise<TestDatabase> {
  const server = { type: kind, ...address } as DataSourceOptions;
  const database = `faults_${randomBytes(8).toString('hex')}`;
  const execute = async (sql: string): Promise<void> => {
    const at = kind === 'postgres' ? { ...server, database: 'postgres' } : server;
    const source = await new DataSource(at as DataSourceOptions).initialize();
    try {
      await source.query(sql);
    } finally {
      await source.destroy();
    }
  };
  await execute(`CREATE DATABASE ${database}`);
  return {
    options: { ...server, database } as DataSourceOptions,
    drop: () => execute(`DROP DATABASE ${database}${kind === 'postgres' ? ' WITH (FORCE)' : ''}`),
  };
}
