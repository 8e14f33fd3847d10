import type { Database } from './database.js';
import { type Fragment, list, now, sql, type Symbolic } from './sql.js';

/** Deletes at most `limit` rows whose `expires_at` is past. Replicas that do so at the same time take different rows. */
export async function deleteExpired(database: Database, table: Symbolic, limit: number): Promise<number> {
  const expired = sql`SELECT id FROM ${table} WHERE expires_at <= ${now} LIMIT ${limit}`;
  if (database.dialect !== 'mysql') {
    const lock: Fragment = database.dialect === 'postgres' ? sql`FOR UPDATE SKIP LOCKED` : sql``;
    return database.affected(sql`DELETE FROM ${table} WHERE id IN (${expired} ${lock})`);
  }
  // MySQL does not let a DELETE read its own table.
  const ids = (await database.rows(expired)).map((row) => row['id']);
  return ids.length === 0 ? 0 : database.affected(sql`DELETE FROM ${table} WHERE id IN (${list(ids)})`);
}
