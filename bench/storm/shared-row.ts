import { Pool, type PoolClient } from 'pg';
import type { Login, Setup } from './contender.js';

export interface TokenRow {
  access_token: string;
  refresh_token: string;
  /** Epoch milliseconds. */
  expires_at: number;
}

/** As a provider sends it, and as most libraries hand it on. */
interface Answer {
  access_token: string;
  refresh_token?: string | undefined;
  expires_in?: number | undefined;
}

const READ = 'SELECT access_token, refresh_token, expires_at FROM user_tokens WHERE user_id = $1';
const SAVE = `INSERT INTO user_tokens VALUES ($1, $2, $3, $4) ON CONFLICT (user_id)
  DO UPDATE SET access_token = $2, refresh_token = $3, expires_at = $4`;

export function poolOf({ database: { host, port, username: user, password, database } }: Setup): Pool {
  const pool = new Pool({ host, port, user, password, database, max: 10 });
  // The pool counts as ended before its last connection is; the database that is dropped then says so on it.
  pool.on('error', () => undefined);
  return pool;
}

/** One row for each user, which all processes read and write: what libraries without a store leave to the application. */
export class SharedRows {
  constructor(private readonly pool: Pool) {}

  async read(userId: string): Promise<TokenRow> {
    return read(this.pool, READ, userId);
  }

  async save(userId: string, before: string, answer: Answer): Promise<TokenRow> {
    return save(this.pool, userId, before, answer);
  }

  /** Reads under a row lock, and lets go of it when `use` has ended. */
  async locked<T>(
    userId: string,
    use: (row: TokenRow, save: (answer: Answer) => Promise<TokenRow>) => Promise<T>,
  ): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      const row = await read(client, `${READ} FOR UPDATE`, userId);
      const result = await use(row, (answer) => save(client, userId, row.refresh_token, answer));
      await client.query('COMMIT');
      return result;
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  end(): Promise<void> {
    return this.pool.end();
  }
}

async function read(at: Pool | PoolClient, statement: string, userId: string): Promise<TokenRow> {
  // The driver hands out a bigint as text.
  const { rows } = await at.query<Record<keyof TokenRow, string>>(statement, [userId]);
  return { ...rows[0]!, expires_at: Number(rows[0]!.expires_at) };
}

async function save(
  at: Pool | PoolClient,
  userId: string,
  before: string,
  answer: Answer,
): Promise<TokenRow> {
  const row = {
    access_token: answer.access_token,
    refresh_token: answer.refresh_token ?? before,
    expires_at: Date.now() + (answer.expires_in ?? 0) * 1000,
  };
  await at.query(SAVE, [userId, row.access_token, row.refresh_token, row.expires_at]);
  return row;
}

/** For `Contender.store`. */
export async function storeRows(setup: Setup, logins: readonly Login[]): Promise<void> {
  const pool = poolOf(setup);
  await pool.query(`CREATE TABLE user_tokens
    (user_id text PRIMARY KEY, access_token text, refresh_token text, expires_at bigint)`);
  for (const { userId, tokens } of logins)
    await pool.query(SAVE, [userId, 'expired', tokens.refresh_token, Date.now() - 1]);
  await pool.end();
}
