import type { Dialect } from './dialect.js';
import { type Fragment, sql } from './sql.js';

/** The channel on which PostgreSQL tells the replicas which rows have changed: their ids, or nothing for any row. */
export const CHANNEL = 'tokenward_rows';

/** The same UPDATE, which where the database can do so tells all replicas of its rows when it is committed. */
export function announced(dialect: Dialect, update: Fragment): Fragment {
  if (dialect !== 'postgres') return update;
  return sql`WITH changed AS (${update} RETURNING id) SELECT pg_notify(${CHANNEL}, id) FROM changed`;
}

/** To be executed with the changes: any row may be another one now. */
export const anyRowChanged = (dialect: Dialect): Fragment[] =>
  dialect === 'postgres' ? [sql`SELECT pg_notify(${CHANNEL}, '')`] : [];
