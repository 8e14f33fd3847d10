import { exec } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { DataSource, type DataSourceOptions } from 'typeorm';
import type { TestDatabase } from './database.js';

type ServerOptions = DataSourceOptions & {
  host: string;
  port: number;
  username: string;
  password: string;
  database: string;
};

/** What a backup of a database has made of it, kept until it is restored. PostgreSQL ends all connections for it. */
export interface Backup {
  /** Into an empty database of its own. */
  restoreElsewhere(): Promise<TestDatabase>;
  /** In place of what is there now. */
  restoreInPlace(): Promise<void>;
  remove(): Promise<void>;
}

/** MariaDB's own programs; for PostgreSQL, whose programs are not installed with its server, copies that the server makes. */
export const backUp = (database: Pick<TestDatabase, 'options'>): Promise<Backup> =>
  database.options.type === 'postgres' ? postgresBackup(database) : mariadbBackup(database);

const freshName = (): string => `copy_${randomBytes(8).toString('hex')}`;

async function query(options: DataSourceOptions, ...statements: string[]): Promise<void> {
  const source = await new DataSource(options).initialize();
  try {
    for (const statement of statements) await source.query(statement);
  } finally {
    await source.destroy();
  }
}

const endConnections = (database: string): string =>
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`;

async function postgresBackup({ options }: Pick<TestDatabase, 'options'>): Promise<Backup> {
  const { database } = options as ServerOptions;
  const server = { ...options, database: 'postgres' } as DataSourceOptions;
  const backup = freshName();
  await query(server, endConnections(database), `CREATE DATABASE ${backup} TEMPLATE ${database}`);
  return {
    async restoreElsewhere() {
      const copy = freshName();
      await query(server, `CREATE DATABASE ${copy} TEMPLATE ${backup}`);
      return {
        options: { ...options, database: copy } as DataSourceOptions,
        drop: () => query(server, `DROP DATABASE ${copy} WITH (FORCE)`),
      };
    },
    restoreInPlace: () =>
      query(
        server,
        `DROP DATABASE ${database} WITH (FORCE)`,
        `CREATE DATABASE ${database} TEMPLATE ${backup}`,
      ),
    remove: () => query(server, `DROP DATABASE ${backup}`),
  };
}

async function mariadbBackup({ options }: Pick<TestDatabase, 'options'>): Promise<Backup> {
  const { host, port, username, password, database } = options as ServerOptions;
  const run = async (program: string, name: string, input = ''): Promise<string> => {
    const running = promisify(exec)(
      `${program} --protocol=tcp -h${host} -P${port} -u${username} --password='${password}' ${name}`,
      { maxBuffer: 64 * 1024 * 1024 },
    );
    running.child.stdin!.end(input);
    return (await running).stdout;
  };
  const dump = await run('mariadb-dump --no-defaults', database);
  const server = { ...options, database: undefined } as DataSourceOptions;
  return {
    async restoreElsewhere() {
      const copy = freshName();
      await query(server, `CREATE DATABASE ${copy} CHARACTER SET utf8mb4`);
      await run('mariadb --no-defaults', copy, dump);
      return {
        options: { ...options, database: copy } as DataSourceOptions,
        drop: () => query(server, `DROP DATABASE ${copy}`),
      };
    },
    async restoreInPlace() {
      await run('mariadb --no-defaults', database, dump);
    },
    remove: async () => undefined,
  };
}
