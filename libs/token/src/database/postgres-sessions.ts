import type { Clock } from '../common/clock.js';
import { randomId } from '../crypto/random.js';
import {
  type Look,
  type SessionConnection,
  SessionConnector,
  type SessionListener,
  SessionUnsuitableError,
} from '../refresh/session-connector.js';
import { CHANNEL } from './announced.js';
import type { Database } from './database.js';
import { Fragment, sql } from './sql.js';

/** As much of `pg` as is needed here; it comes with the host's data source. */
interface PgClient {
  connect(): Promise<unknown>;
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  on(event: 'notification', listener: (message: { payload?: string }) => void): void;
  on(event: 'error' | 'end', listener: () => void): void;
  end(): Promise<void>;
  connection?: { stream?: { destroy(): void } };
}

interface PgDriver {
  master: { Client: new (options: object) => PgClient; options: object & { password?: unknown } };
}

/** The lock, as the server sees it. */
interface Held {
  pid: unknown;
  server: string;
}

const CONNECT_MS = 5_000;
const PROBE_MS = 1_500;
const OPEN_MS = 10_000;
const CLOSE_MS = 1_000;
const PROBE = 'probe ';

/**
 * The kernel of a host answers keep-alives also for a process that is stopped; a host that has vanished is noticed after
 * 10 + 3 × 3 seconds. A stopped process asks for nothing: no time-out may end it for that. Unknown settings are left out.
 */
const SETTINGS = `SELECT set_config(name, wanted, false) FROM pg_settings JOIN (VALUES ('tcp_keepalives_idle', '10'),
  ('tcp_keepalives_interval', '3'), ('tcp_keepalives_count', '3'), ('tcp_user_timeout', '0'), ('idle_session_timeout', '0'),
  ('statement_timeout', '0'), ('lock_timeout', '0')) AS ours (known, wanted) ON known = name`;

const KEY = "hashtextextended('tokenward ' || $1, 0)";
const HOLDERS = `pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND mode = 'ExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((classid::bigint << 32) | objid::bigint) = ${KEY}`;
/** Changes with every start: of the server, and of its processes after one of them has crashed, when the statistics begin anew. */
const SERVER = `(SELECT concat_ws('.', floor(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
  floor(extract(epoch FROM stats_reset) * 1000000)::bigint) FROM pg_stat_bgwriter)`;

/** Session advisory locks, and LISTEN. */
export class PostgresSessions extends SessionConnector {
  override readonly available = true;
  #proven = false;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async open(replicaId: string, listener: SessionListener): Promise<SessionConnection> {
    const { Client, options } = (this.database.driver as PgDriver).master;
    // The pool hides its password from copies.
    const client = new Client({
      ...options,
      password: options.password,
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_MS,
      // By the clock it would take a process that was stopped for a server that is silent.
      query_timeout: 0,
      application_name: `tokenward ${replicaId}`,
    });
    let ended = false;
    const probe = PROBE + randomId();
    let probed: () => void = () => undefined;
    const heard = new Promise<boolean>((resolve) => {
      probed = () => resolve(true);
    });
    const end = (): void => {
      if (!ended) listener.lost();
      ended = true;
    };
    client.on('error', end);
    client.on('end', end);
    client.on('notification', ({ payload = '' }) => {
      if (payload === probe) probed();
      else if (!payload.startsWith(PROBE)) listener.changed(payload === '' ? null : payload);
    });
    const close = async (): Promise<void> => {
      ended = true;
      await Promise.race([client.end().catch(() => undefined), this.clock.sleep(CLOSE_MS, false)]);
      client.connection?.stream?.destroy();
    };
    try {
      await client.connect();
      const held = await Promise.race([
        this.#take(client, replicaId, probe, heard),
        this.clock.sleep(OPEN_MS, false).then(() => null),
      ]);
      if (held === null) throw new Error('the database does not answer');
      return { server: held.server, hears: true, ping: () => ping(client, held.pid), close };
    } catch (error) {
      await close();
      throw error;
    }
  }

  async #take(client: PgClient, replicaId: string, probe: string, heard: Promise<boolean>): Promise<Held> {
    // What was tried out once is not tried again: as long as this takes, the lock is free.
    const known = this.#proven ? await lock(client, replicaId) : null;
    await client.query(`LISTEN ${CHANNEL}`);
    if (!this.#proven) {
      // Before the lock: behind a pooler that would stay with a connection that others use as well.
      await this.database.rows(sql`SELECT pg_notify(${CHANNEL}, ${probe})`);
      if (!(await Promise.race([heard, this.clock.sleep(PROBE_MS, false).then(() => false)])))
        throw new SessionUnsuitableError(
          'notifications do not arrive, as behind a pooler in transaction mode',
        );
    }
    await client.query(SETTINGS);
    const held = known ?? (await lock(client, replicaId));
    this.#proven = true;
    return held;
  }

  override async look(replicaId: string): Promise<Look> {
    // Shared, so that those who look do not see each other, and gone with the statement.
    const [row] = await this.database.rows(
      new Fragment(
        [
          "SELECT pg_try_advisory_xact_lock_shared(hashtextextended('tokenward ' || ",
          `::text, 0)) AS free, ${SERVER} AS server`,
        ],
        [replicaId],
      ),
    );
    return { free: row!['free'] as boolean, server: row!['server'] as string };
  }

  override isSame(one: string, other: string): boolean {
    return one === other;
  }
}

/** Whoever holds the lock is an older connection of this replica: it ends while this one is already waiting. */
async function lock(client: PgClient, replicaId: string): Promise<Held> {
  await client.query(`SELECT pg_terminate_backend(pid) FROM ${HOLDERS} AND pid <> pg_backend_pid()`, [
    replicaId,
  ]);
  await client.query(`SELECT pg_advisory_lock(${KEY})`, [replicaId]);
  const { rows } = await client.query(
    `SELECT pid, ${SERVER} AS server FROM ${HOLDERS} AND pid = pg_backend_pid()`,
    [replicaId],
  );
  const [row] = rows;
  if (!row) throw new SessionUnsuitableError('a lock does not stay with its connection');
  return { pid: row['pid'], server: row['server'] as string };
}

async function ping(client: PgClient, pid: unknown): Promise<void> {
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  if (rows[0]?.['pid'] !== pid) throw new Error('the connection leads to another one');
}
