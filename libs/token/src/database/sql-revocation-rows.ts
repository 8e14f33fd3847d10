import {
  type NewRevocation,
  type PendingRevocation,
  type Postponement,
  RevocationRows,
} from '../store/revocation-rows.js';
import type { Database } from './database.js';
import { insertRevocation } from './insert-revocation.js';
import { type Fragment, fromNow, list, now, revocations, sql, tokens } from './sql.js';
import { fenced } from './sql-token-rows.js';

const ENTRY = sql`id, tenant_id, provider, record_id, token_ct, attempts, ${now} - created_at AS age,
  (SELECT COUNT(*) FROM ${tokens} WHERE ${tokens}.id = record_id AND ${tokens}.status = 'active') AS renewed`;

export class SqlRevocationRows extends RevocationRows {
  constructor(private readonly database: Database) {
    super();
  }

  override async insert(entry: NewRevocation): Promise<void> {
    // Not part of a transaction that the host may roll back.
    await fenced(() => this.database.affectedAlone(insertRevocation(entry)));
  }

  override async findDue(exceptProviders: readonly string[], limit: number): Promise<PendingRevocation[]> {
    const others = exceptProviders.length === 0 ? sql`` : sql`AND provider NOT IN (${list(exceptProviders)})`;
    return this.#find(sql`retry_after <= ${now} ${others} ORDER BY retry_after, id`, limit);
  }

  override async claim({ id, attempts }: PendingRevocation, leaseMs: number): Promise<boolean> {
    const statement = sql`UPDATE ${revocations} SET attempts = attempts + 1, retry_after = ${fromNow(leaseMs)}
      WHERE id = ${id} AND attempts = ${attempts} AND retry_after <= ${now}`;
    return (await this.database.affected(statement)) === 1;
  }

  override async postpone(
    id: string,
    attempts: number,
    { retryInMs, failure, tokenCt }: Postponement,
  ): Promise<void> {
    const sealed = tokenCt === null ? sql`token_ct` : sql`${tokenCt}`;
    const statement = sql`UPDATE ${revocations} SET retry_after = ${fromNow(retryInMs)}, last_failure = ${failure}, token_ct = ${sealed}
      WHERE id = ${id} AND attempts = ${attempts}`;
    await fenced(() => this.database.affected(statement));
  }

  override async pause(provider: string, pauseMs: number): Promise<void> {
    // Two replicas may lock the rows in different orders; whom the database ends begins again.
    await this.database.atomically([
      sql`UPDATE ${revocations} SET retry_after = ${fromNow(pauseMs)}
        WHERE provider = ${provider} AND retry_after < ${fromNow(pauseMs)}`,
    ]);
  }

  override async remove(id: string): Promise<boolean> {
    return (await this.database.affected(sql`DELETE FROM ${revocations} WHERE id = ${id}`)) === 1;
  }

  override async findExpired(maxAgeMs: number, limit: number): Promise<PendingRevocation[]> {
    return this.#find(sql`created_at < ${now} - ${maxAgeMs} ORDER BY created_at, id`, limit);
  }

  async #find(which: Fragment, limit: number): Promise<PendingRevocation[]> {
    const rows = await this.database.rows(
      sql`SELECT ${ENTRY} FROM ${revocations} WHERE ${which} LIMIT ${limit}`,
    );
    return rows.map((row) => ({
      id: row['id'] as string,
      tenantId: row['tenant_id'] as string,
      provider: row['provider'] as string,
      recordId: row['record_id'] as string,
      tokenCt: row['token_ct'] as string,
      attempts: Number(row['attempts']),
      ageMs: Number(row['age']),
      renewed: Number(row['renewed']) > 0,
    }));
  }

  override async countByProvider(): Promise<Record<string, number>> {
    const rows = await this.database.rows(
      sql`SELECT provider, COUNT(*) AS count FROM ${revocations} GROUP BY provider`,
    );
    return Object.fromEntries(rows.map((row) => [row['provider'] as string, Number(row['count'])]));
  }
}
