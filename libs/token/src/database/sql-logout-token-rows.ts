import { LogoutTokenRows } from '../store/authorization-rows.js';
import type { Database } from './database.js';
import { isUniqueViolation } from './error-codes.js';
import { deleteExpired } from './delete-expired.js';
import { logoutTokens, now, sql } from './sql.js';

export class SqlLogoutTokenRows extends LogoutTokenRows {
  constructor(private readonly database: Database) {
    super();
  }

  override async now(): Promise<number> {
    const [row] = await this.database.rows(sql`SELECT ${now} AS now`);
    return Number(row!['now']);
  }

  override async remember(id: string, expiresAt: number): Promise<boolean> {
    try {
      await this.database.affectedAlone(
        sql`INSERT INTO ${logoutTokens} (id, expires_at) VALUES (${id}, ${expiresAt})`,
      );
      return true;
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  override async forget(id: string): Promise<void> {
    await this.database.affected(sql`DELETE FROM ${logoutTokens} WHERE id = ${id}`);
  }

  override deleteExpired(limit: number): Promise<number> {
    return deleteExpired(this.database, logoutTokens, limit);
  }
}
