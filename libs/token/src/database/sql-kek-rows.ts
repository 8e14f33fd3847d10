import { KekRows, type KekProof, type KekRow, type ReplicaRow } from '../keys/kek-rows.js';
import type { Database } from './database.js';
import { isUniqueViolation } from './error-codes.js';
import { dataKeys, keks, now, replicas, sql } from './sql.js';

const DAY_MS = 86_400_000;

export class SqlKekRows extends KekRows {
  constructor(private readonly database: Database) {
    super();
  }

  override async find(id: string): Promise<KekRow | null> {
    const [row] = await this.database.rows(
      sql`SELECT id, canary_id, wrapped, check_value FROM ${keks} WHERE id = ${id}`,
    );
    return row
      ? {
          id,
          canaryId: row['canary_id'] as string,
          wrapped: Buffer.from(row['wrapped'] as string, 'base64url'),
          checkValue: Buffer.from(row['check_value'] as string, 'base64url'),
        }
      : null;
  }

  override async insert({ id, canaryId, wrapped, checkValue }: KekRow): Promise<void> {
    try {
      await this.database.affected(sql`INSERT INTO ${keks} (id, canary_id, wrapped, check_value, created_at)
        VALUES (${id}, ${canaryId}, ${wrapped.toString('base64url')}, ${checkValue.toString('base64url')}, ${now})`);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
  }

  override async replaceUnused(
    { id, canaryId, wrapped, checkValue }: KekRow,
    before: KekRow,
  ): Promise<boolean> {
    const statement = sql`UPDATE ${keks} SET canary_id = ${canaryId}, wrapped = ${wrapped.toString('base64url')},
        check_value = ${checkValue.toString('base64url')}, created_at = ${now}
      WHERE id = ${id} AND canary_id = ${before.canaryId}
        AND NOT EXISTS (SELECT 1 FROM ${dataKeys} WHERE kek_id = ${id} AND wrapped IS NOT NULL)`;
    return (await this.database.affected(statement)) === 1;
  }

  override async beat(replicaId: string, proofs: readonly KekProof[]): Promise<void> {
    const ids = proofs.map(({ kekId, canaryId }) => `${kekId} ${canaryId}`).join('\n');
    const known = await this.database.affected(
      sql`UPDATE ${replicas} SET seen_at = ${now}, kek_ids = ${ids} WHERE id = ${replicaId}`,
    );
    if (known === 0)
      await this.database.affected(
        sql`INSERT INTO ${replicas} (id, started_at, seen_at, kek_ids) VALUES (${replicaId}, ${now}, ${now}, ${ids})`,
      );
  }

  override async leave(replicaId: string): Promise<void> {
    await this.database.affected(
      sql`DELETE FROM ${replicas} WHERE id = ${replicaId} OR seen_at < ${now} - ${DAY_MS}`,
    );
  }

  override async findLive(withinMs: number): Promise<ReplicaRow[]> {
    const rows = await this.database.rows(
      sql`SELECT id, started_at, seen_at, kek_ids FROM ${replicas} WHERE seen_at >= ${now} - ${withinMs} ORDER BY started_at, id`,
    );
    return rows.map((row) => ({
      id: row['id'] as string,
      startedAt: Number(row['started_at']),
      seenAt: Number(row['seen_at']),
      proofs: toProofs(row['kek_ids'] as string),
    }));
  }
}

/** One a line: an id of a key-encryption key holds neither blanks nor line ends. */
function toProofs(text: string): KekProof[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [kekId = '', canaryId = ''] = line.split(' ');
      return { kekId, canaryId };
    });
}
