import { keyIdText, uuidToBytes } from '../crypto/record-text.js';
import { type DataKeyRow, DataKeyRows, type NewDataKey } from '../keys/data-key-rows.js';
import { TRANSITIONS } from '../keys/key-states.js';
import { activeFor, audit, DATA_KEY, toDataKeyRow } from './data-key-mapping.js';
import type { Database } from './database.js';
import { isUniqueViolation } from './error-codes.js';
import { dataKeys, type Fragment, join, now, sql } from './sql.js';

const { create: CREATE, supersede: SUPERSEDE } = TRANSITIONS;

const OPENING = sql`state IN ('active', 'decrypt_only') AND wrapped IS NOT NULL`;

/** One id per key-encryption key in use. */
const outermost = (end: Fragment): Fragment =>
  sql`SELECT ${end}(id) AS canary_id FROM ${dataKeys} WHERE ${OPENING} GROUP BY kek_id`;

export class SqlDataKeyRows extends DataKeyRows {
  constructor(private readonly database: Database) {
    super();
  }

  override async findById(id: string): Promise<DataKeyRow | null> {
    const [row] = await this.database.rows(sql`SELECT ${DATA_KEY} FROM ${dataKeys} WHERE id = ${id}`);
    return row ? toDataKeyRow(row) : null;
  }

  override async findActive(tenantId: string, purpose: string): Promise<DataKeyRow | null> {
    const [row] = await this.database.rows(
      sql`SELECT ${DATA_KEY} FROM ${dataKeys} WHERE active_for = ${activeFor(tenantId, purpose)}`,
    );
    return row ? toDataKeyRow(row) : null;
  }

  override async insertPending(row: NewDataKey): Promise<void> {
    await this.database.affectedAlone(sql`INSERT INTO ${dataKeys}
        (id, usable_id, active_for, tenant_id, purpose, state, kek_id, wrapped, check_value, created_at, state_changed_at)
      VALUES (${row.id}, ${keyIdText(uuidToBytes(row.id))}, NULL, ${row.tenantId}, ${row.purpose}, 'pending', ${row.kekId},
        ${row.wrapped.toString('base64url')}, ${row.checkValue.toString('base64url')}, ${now}, ${now})`);
  }

  override async activate(row: DataKeyRow, actor: string): Promise<boolean> {
    return this.#unlessTaken([this.#activation(row), audit(actor, 'create', row, CREATE.from, CREATE.to)]);
  }

  override async supersede(old: DataKeyRow, next: DataKeyRow, actor: string): Promise<boolean> {
    return this.#unlessTaken([
      sql`UPDATE ${dataKeys} SET state = ${SUPERSEDE.to}, active_for = NULL, state_changed_at = ${now}
        WHERE id = ${old.id} AND state = ${SUPERSEDE.from}`,
      this.#activation(next),
      audit(actor, 'rotate', old, SUPERSEDE.from, SUPERSEDE.to),
      audit(actor, 'rotate', next, CREATE.from, CREATE.to),
    ]);
  }

  #activation(row: DataKeyRow) {
    return sql`UPDATE ${dataKeys}
      SET state = ${CREATE.to}, active_for = ${activeFor(row.tenantId, row.purpose)}, state_changed_at = ${now}
      WHERE id = ${row.id} AND state = ${CREATE.from}`;
  }

  async #unlessTaken(statements: Parameters<Database['atomically']>[0]): Promise<boolean> {
    try {
      return await this.database.atomically(statements);
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  override async deletePending(id: string): Promise<void> {
    await this.database.affected(sql`DELETE FROM ${dataKeys} WHERE id = ${id} AND state = 'pending'`);
  }

  override async deleteAbandoned(minAgeMs: number): Promise<void> {
    await this.database.affected(
      sql`DELETE FROM ${dataKeys} WHERE state = 'pending' AND created_at < ${now} - ${minAgeMs}`,
    );
  }

  override async findCanaries(): Promise<DataKeyRow[]> {
    // MariaDB and MySQL carry an IN with a UNION out once for each row of the table.
    const rows = await this.database.rows(sql`SELECT ${DATA_KEY} FROM ${dataKeys} JOIN
      (${outermost(sql`MIN`)} UNION ${outermost(sql`MAX`)}) canaries ON canary_id = id`);
    return rows.map(toDataKeyRow);
  }

  override async lastChange(): Promise<number> {
    const [row] = await this.database.rows(sql`SELECT MAX(state_changed_at) AS changed_at FROM ${dataKeys}`);
    return Number(row!['changed_at'] ?? 0);
  }

  override async findChanged(since: number) {
    const rows = await this.database.rows(
      sql`SELECT ${DATA_KEY} FROM ${dataKeys} WHERE state_changed_at >= ${since} AND state <> 'pending'`,
    );
    return rows.map(toDataKeyRow);
  }

  override async findRotatable({ tenantId, minAgeMs }: { tenantId?: string; minAgeMs?: number }) {
    const conditions = [
      sql`state = 'active'`,
      ...(tenantId === undefined ? [] : [sql`tenant_id = ${tenantId}`]),
      ...(minAgeMs === undefined ? [] : [sql`created_at <= ${now} - ${minAgeMs}`]),
    ];
    const rows = await this.database.rows(
      sql`SELECT ${DATA_KEY} FROM ${dataKeys} WHERE ${join(conditions, ' AND ')} ORDER BY tenant_id, purpose`,
    );
    return rows.map(toDataKeyRow);
  }
}
