import { sha256 } from '../crypto/sha256.js';
import { has } from './error-codes.js';
import type { Statement } from './sql.js';

export interface PgResult {
  rows: Record<string, unknown>[];
  rowCount: number | null;
}

export interface PgPool {
  query(statement: Statement & { name?: string }): Promise<PgResult>;
}

/** Statements that PostgreSQL has to read and to plan once per connection, straight from the driver's pool. */
export class PreparedStatements {
  readonly #names = new Map<string, string>();
  #available = true;

  async query(pool: PgPool, statement: Statement): Promise<PgResult> {
    if (!this.#available) return pool.query(statement);
    try {
      return await pool.query({ name: this.#nameOf(statement.text), ...statement });
    } catch (error) {
      // A connection pooler between us and the server may not carry prepared statements: do without from now on.
      if (!has(error, '26000', '42P05')) throw error;
      this.#available = false;
      return pool.query(statement);
    }
  }

  /** Another text has another name, whatever version of this library a pooler's connection has served before. */
  #nameOf(text: string): string {
    let name = this.#names.get(text);
    if (name === undefined) this.#names.set(text, (name = `tokenward-${sha256(text).slice(0, 24)}`));
    return name;
  }
}
