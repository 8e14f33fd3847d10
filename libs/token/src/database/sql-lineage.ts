import { Lineage, type LineageState, type RowLineage } from '../store/lineage.js';
import { audit } from './data-key-mapping.js';
import type { Database } from './database.js';
import { isUniqueViolation } from './error-codes.js';
import { type Fragment, identity, lineage, now, sql, tokens } from './sql.js';

/** Columns of a `RowLineage`. Where the database does not tell its identity, any is taken for the known one. */
export const LINEAGE = sql`CASE WHEN identity = COALESCE(${identity}, identity) THEN 1 ELSE 0 END AS lineage_known, held_before`;

export const toLineage = (row: Record<string, unknown>): RowLineage => ({
  known: Number(row['lineage_known']) === 1,
  heldBefore: row['held_before'] === null ? null : Number(row['held_before']),
});

/** Still so when a statement is carried out: between two statements a connection may come to another server. */
export const stillIn = ({ heldBefore }: RowLineage): Fragment =>
  sql`EXISTS (SELECT 1 FROM ${lineage} WHERE identity = COALESCE(${identity}, identity) AND COALESCE(held_before, 0) = ${heldBefore ?? 0})`;

/** Of a token set. */
export const isHeld = sql`refreshed_at < COALESCE((SELECT held_before FROM ${lineage}), 0)`;

export class SqlLineage extends Lineage {
  readonly available: boolean;

  constructor(private readonly database: Database) {
    super();
    this.available = database.dialect !== 'sqlite';
  }

  override async look(): Promise<LineageState> {
    const untold = await this.database.learnIdentity();
    // So it is meant to be: no news.
    const blind = this.available ? untold : null;
    const [row] = await this.database.rows(sql`SELECT ${LINEAGE} FROM ${lineage}`);
    return { ...(row ? toLineage(row) : { known: false, heldBefore: null }), blind };
  }

  override async adopt(): Promise<boolean> {
    await this.database.learnIdentity();
    const told = sql`COALESCE(${identity}, '')`;
    try {
      // Not part of a transaction that the host may roll back. What the identity is may depend on when this row was inserted.
      await this.database.affectedAlone(
        sql`INSERT INTO ${lineage} (only_one, identity) SELECT 1, '' WHERE NOT EXISTS (SELECT 1 FROM ${lineage})`,
      );
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
    if (!this.available) return false;
    // It is new, or was not told before: nothing to compare with.
    await this.database.affected(sql`UPDATE ${lineage} SET identity = ${told} WHERE identity = ''`);
    // The clock of the server of before may have been ahead of this one's.
    const latest = sql`(SELECT COALESCE(MAX(refreshed_at), 0) + 1 FROM ${tokens})`;
    const statement = sql`UPDATE ${lineage} SET identity = ${told}, held_before = GREATEST(${now}, ${latest})
      WHERE identity <> COALESCE(${identity}, identity)`;
    return (await this.database.affected(statement)) === 1;
  }

  override async release(heldBefore: number, actor: string): Promise<boolean> {
    const before = `held before ${new Date(heldBefore).toISOString()}`;
    return this.database.atomically([
      sql`UPDATE ${lineage} SET held_before = NULL WHERE held_before = ${heldBefore}`,
      audit(actor, 'release_held', { id: null, tenantId: null }, before, 'presented'),
    ]);
  }

  override async countHeld(): Promise<Record<string, number>> {
    const rows = await this.database.rows(sql`SELECT provider, COUNT(*) AS count FROM ${tokens}
      WHERE status = 'active' AND refresh_ct IS NOT NULL AND ${isHeld} GROUP BY provider ORDER BY provider`);
    return Object.fromEntries(rows.map((row) => [row['provider'] as string, Number(row['count'])]));
  }
}
