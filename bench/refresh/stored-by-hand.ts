import { Pool } from 'pg';
import type { ServerAddress } from '../../test/support/servers/server.js';
import type { Login, Served } from './provider.process.js';
import { IdleUsers, presentByHand } from './users.js';

const TABLE = `CREATE TABLE by_hand (id int PRIMARY KEY, access_token text, refresh_token text, id_token text,
  expires_at bigint, generation int, claimed_at bigint)`;
const READ = {
  name: 'read',
  text: 'SELECT refresh_token, generation, expires_at FROM by_hand WHERE id = $1',
};
const CLAIM = {
  name: 'claim',
  text: 'UPDATE by_hand SET claimed_at = $3 WHERE id = $1 AND generation = $2 AND claimed_at IS NULL',
};
const STORE = {
  name: 'store',
  text: `UPDATE by_hand SET access_token = $3, refresh_token = $4, id_token = $5, expires_at = $6, generation = generation + 1,
    claimed_at = NULL WHERE id = $1 AND generation = $2`,
};

/**
 * The least that a refresh takes where the refresh token must outlive its process and must not be presented twice: read,
 * claim, present, store. By hand, with prepared statements on a pool of ten, and nothing encrypted, checked or told to others.
 */
export async function storeByHand(
  { host, port, username: user, password }: ServerAddress,
  database: string,
  served: Served,
  logins: readonly Login[],
): Promise<{ refresh: () => Promise<void>; close: () => Promise<void> }> {
  const pool = new Pool({ host, port, user, password, database, max: 10 });
  // The database is dropped while the pool is still ending its connections.
  pool.on('error', () => undefined);
  await pool.query(TABLE);
  for (const [id, login] of logins.entries())
    await pool.query('INSERT INTO by_hand VALUES ($1, $2, $3, $4, 0, 1, NULL)', [
      id,
      login.access_token,
      login.refresh_token,
      login.id_token,
    ]);
  const change = async (statement: typeof READ, values: unknown[]): Promise<void> => {
    const { rowCount } = await pool.query({ ...statement, values });
    if (rowCount !== 1) throw new Error('somebody else has refreshed');
  };
  const users = new IdleUsers(logins.map((_, id) => id));
  const refresh = (): Promise<void> =>
    users.use(async (id) => {
      const { rows } = await pool.query<{ refresh_token: string; generation: number }>({
        ...READ,
        values: [id],
      });
      const { refresh_token: refreshToken, generation } = rows[0]!;
      await change(CLAIM, [id, generation, Date.now()]);
      const { access_token, refresh_token, id_token, expires_in } = await presentByHand(served, refreshToken);
      const expiresAt = Date.now() + Number(expires_in) * 1000;
      await change(STORE, [id, generation, access_token, refresh_token, id_token, expiresAt]);
    });
  return { refresh, close: () => pool.end() };
}
