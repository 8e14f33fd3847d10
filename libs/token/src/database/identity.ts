import type { Dialect } from './dialect.js';
import { Fragment } from './sql.js';

/** Where an application's own table for this is, with the quotes of the database and without. */
export interface TableNames {
  escaped: string;
  name: string;
  /** Of MariaDB and MySQL; null: that of the connection. */
  schema: string | null;
}

/** Rows of a SELECT. */
type Query = (select: Fragment) => Promise<Record<string, unknown>[]>;

/** SQL for the identity of a database, or why there is none. */
export type Identity = { text: string; blind: null } | { text: null; blind: string };

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * The timeline of the server's own WAL is a new one as soon as a standby is promoted; that of `pg_control_checkpoint()`
 * only with the next checkpoint. While it is in recovery, where nothing can be written, there is no identity.
 */
const postgres = ({
  escaped,
}: TableNames): string => `(CASE WHEN pg_is_in_recovery() THEN NULL ELSE concat_ws('/',
  (SELECT system_identifier FROM pg_control_system()), substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
  (SELECT oid FROM pg_database WHERE datname = current_database()), ${literal(escaped)}::regclass::oid) END)`;

/** `server` tells the servers of a replication apart, `made` the table of a restored dump from the one of before. */
const mysql = (server: string, made: string): string =>
  `CONCAT_WS('/', ${server}, CRC32(DATABASE()), ${made})`;

/**
 * When the row was inserted, as MariaDB itself notes it: a dump does not take that along, and an UPDATE, `OPTIMIZE TABLE`
 * and another owner of the files leave it as it is, unlike CREATE_TIME. As a derived table, since the statement may write
 * the same one.
 */
const insertedAt = ({ escaped }: TableNames): string =>
  `(SELECT UNIX_TIMESTAMP(at) FROM (SELECT MAX(ROW_START) AS at FROM ${escaped}) AS inserted)`;

/** MySQL has no such thing, but a dictionary that knows when the table was made. */
const createdAt = ({ name, schema }: TableNames): string =>
  `(SELECT UNIX_TIMESTAMP(CREATE_TIME) FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = ${schema === null ? 'DATABASE()' : literal(schema)} AND TABLE_NAME = ${literal(name)})`;

/** What a server refuses to a role, or does not know; anything else may be another time. */
const REFUSED = [/^42/, /^0A/, /^55/, /^XX/];
/** A table that no migration has made. */
const NOT_VERSIONED = 'ER_BAD_FIELD_ERROR';

/** Asks the database, once it answers. SQLite has no such thing. @throws what the driver does while it does not answer */
export async function identityOf(query: Query, dialect: Dialect, table: TableNames): Promise<Identity> {
  if (dialect === 'sqlite') return { text: null, blind: 'this database has no identity' };
  const text = dialect === 'postgres' ? postgres(table) : await mysqlIdentity(query, table);
  try {
    await query(new Fragment([`SELECT ${text} AS identity`], []));
    return { text, blind: null };
  } catch (error) {
    const code = String((error as { driverError?: { code?: unknown } }).driverError?.code);
    if (dialect === 'postgres' && REFUSED.some((refused) => refused.test(code)))
      return { text: null, blind: `the database does not tell its identity (${code})` };
    if (code === NOT_VERSIONED)
      return { text: null, blind: `${table.name} is not the table that the migrations make` };
    throw error;
  }
}

/** The nodes of a cluster that commits everywhere at once are one database, whichever of them a connection leads to. */
async function mysqlIdentity(query: Query, table: TableNames): Promise<string> {
  const [row] = await query(new Fragment(['SELECT VERSION() AS version'], []));
  const isMariadb = /mariadb/i.test(String(row!['version']));
  const [schema, from, name] = isMariadb
    ? ['information_schema', 'GLOBAL_STATUS', 'WSREP_CLUSTER_STATE_UUID']
    : ['performance_schema', 'global_variables', 'group_replication_group_name'];
  const cluster = `(SELECT VARIABLE_VALUE FROM ${schema}.${from} WHERE VARIABLE_NAME = '${name}')`;
  const [found] = await query(new Fragment([`SELECT ${cluster} AS cluster`], []));
  const uuid = found!['cluster'] as string | null;
  const isCluster = uuid !== null && /[1-9a-f]/i.test(uuid);
  const own = isMariadb ? mysql('@@server_id', insertedAt(table)) : mysql('@@server_uuid', createdAt(table));
  const text = isCluster ? cluster : own;
  // What comes from the server's own tables may not be compared with our columns otherwise.
  return `(CONVERT(${text} USING utf8mb4) COLLATE utf8mb4_bin)`;
}
