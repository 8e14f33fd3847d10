import type { Clock } from '../common/clock.js';
import {
  type Look,
  type SessionConnection,
  SessionConnector,
  type SessionListener,
  SessionUnsuitableError,
} from '../refresh/session-connector.js';
import type { Database } from './database.js';
import { Fragment } from './sql.js';

type Row = Record<string, unknown>;

/** As much of `mysql2` as is needed here; it comes with the host's data source. */
interface MysqlConnection {
  connect(done: (error: Error | null) => void): void;
  query(text: string, values: unknown[], done: (error: Error | null, rows: Row[]) => void): void;
  on(event: 'error' | 'end', listener: () => void): void;
  destroy(): void;
}

interface MysqlDriver {
  options: { replication?: { master: object } };
  mysql: { createConnection(options: object): MysqlConnection };
  createConnectionOptions(options: object, credentials: object): object;
}

type Query = (text: string, values?: unknown[]) => Promise<Row[]>;

const CONNECT_MS = 5_000;
const OPEN_MS = 15_000;
const LOCK_SECONDS = 10;
/**
 * For so long a stopped process keeps its lock, and for so long that of a host that has vanished is not free: this server
 * cannot tell one from the other.
 */
const SILENCE_SECONDS = 300;
/** The start of a server is known to the second only. */
const START_TOLERANCE_SECONDS = 2;

const lockName = (replicaId: string): string => `tokenward ${replicaId}`;

/** User-level locks of MariaDB and MySQL. Nothing is heard of what others write. */
export class MysqlSessions extends SessionConnector {
  override readonly available = true;
  #server: string | null = null;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async open(replicaId: string, listener: SessionListener): Promise<SessionConnection> {
    const driver = this.database.driver as MysqlDriver;
    const { options } = driver;
    const connection = driver.mysql.createConnection({
      ...driver.createConnectionOptions(options, options.replication?.master ?? options),
      connectTimeout: CONNECT_MS,
    });
    let ended = false;
    const end = (): void => {
      if (!ended) listener.lost();
      ended = true;
    };
    connection.on('error', end);
    connection.on('end', end);
    const close = async (): Promise<void> => {
      ended = true;
      connection.destroy();
    };
    const query: Query = (text, values = []) =>
      new Promise((resolve, reject) => {
        connection.query(text, values, (error, rows) => (error ? reject(error) : resolve(rows)));
      });
    const name = lockName(replicaId);
    const ping = async (): Promise<void> => {
      const [row] = await query('SELECT IS_USED_LOCK(?) = CONNECTION_ID() AS held', [name]);
      if (Number(row?.['held']) !== 1)
        throw new SessionUnsuitableError('a lock does not stay with its connection');
    };
    try {
      await new Promise<void>((resolve, reject) => {
        connection.connect((error) => (error ? reject(error) : resolve()));
      });
      const server = await Promise.race([
        this.#take(query, name, ping),
        this.clock.sleep(OPEN_MS, false).then(() => null),
      ]);
      if (server === null) throw new Error('the database does not answer');
      return { server, hears: false, ping, close };
    } catch (error) {
      await close();
      throw error;
    }
  }

  async #take(query: Query, name: string, ping: () => Promise<void>): Promise<string> {
    const settings = ['wait_timeout', 'interactive_timeout'].map(
      (one) => `SESSION ${one} = ${SILENCE_SECONDS}`,
    );
    await query(`SET ${settings.join(', ')}`);
    await lock(query, name);
    await ping();
    const [row] = await query(`SELECT ${await this.#serverText()} AS server`);
    return row!['server'] as string;
  }

  override async look(replicaId: string): Promise<Look> {
    const server = await this.#serverText();
    const [row] = await this.database.rows(
      new Fragment(['SELECT IS_FREE_LOCK(', `) AS free, ${server} AS server`], [lockName(replicaId)]),
    );
    return { free: Number(row!['free']) === 1, server: row!['server'] as string };
  }

  override isSame(one: string, other: string): boolean {
    const [oneHost, oneStart] = one.split('-');
    const [otherHost, otherStart] = other.split('-');
    return (
      oneHost === otherHost && Math.abs(Number(oneStart) - Number(otherStart)) <= START_TOLERANCE_SECONDS
    );
  }

  /** SQL for the name of a server. MySQL and MariaDB tell their age in different places. */
  async #serverText(): Promise<string> {
    if (this.#server === null) {
      const [row] = await this.database.rows(new Fragment(['SELECT VERSION() AS version'], []));
      const schema = /mariadb/i.test(String(row!['version'])) ? 'information_schema' : 'performance_schema';
      this.#server = `CONCAT(CRC32(CONCAT(@@hostname, ':', @@port)), '-', CAST(UNIX_TIMESTAMP() -
        (SELECT VARIABLE_VALUE FROM ${schema}.GLOBAL_STATUS WHERE VARIABLE_NAME = 'Uptime') AS SIGNED))`;
    }
    return this.#server;
  }
}

/** Whoever holds the lock is an older connection of this replica. */
async function lock(query: Query, name: string): Promise<void> {
  const [holder] = await query('SELECT IS_USED_LOCK(?) AS id', [name]);
  const id = Number(holder?.['id'] ?? 0);
  if (id !== 0) await query(`KILL ${id}`).catch(() => undefined);
  const [row] = await query(`SELECT GET_LOCK(?, ${LOCK_SECONDS}) AS locked`, [name]);
  if (Number(row?.['locked']) !== 1) throw new Error('the lock of this replica is not free');
}
