import { lookupHash } from '../crypto/lookup-hash.js';
import { keyIdText, uuidToBytes } from '../crypto/record-text.js';
import { type DataKeyRow, DataKeyRows, type DataKeyState } from '../keys/data-key-rows.js';
import { type Database, isUniqueViolation } from './database.js';
import { dataKeys, now, sql } from './sql.js';

const COLUMNS = sql`id, tenant_id, purpose, state, kek_id, wrapped, check_value`;

function toDataKeyRow(row: Record<string, unknown>): DataKeyRow {
  const wrapped = row['wrapped'] as string | null;
  return {
    id: row['id'] as string,
    tenantId: row['tenant_id'] as string,
    purpose: row['purpose'] as string,
    state: row['state'] as DataKeyState,
    kekId: row['kek_id'] as string,
    wrapped: wrapped === null ? null : Buffer.from(wrapped, 'base64url'),
    checkValue: Buffer.from(row['check_value'] as string, 'base64url'),
  };
}

const activeFor = (tenantId: string, purpose: string): string =>
  lookupHash(['active data key', tenantId, purpose]);

export class SqlDataKeyRows extends DataKeyRows {
  constructor(private readonly database: Database) {
    super();
  }

  override async findById(id: string): Promise<DataKeyRow | null> {
    const [row] = await this.database.rows(sql`SELECT ${COLUMNS} FROM ${dataKeys} WHERE id = ${id}`);
    return row ? toDataKeyRow(row) : null;
  }

  override async findActive(tenantId: string, purpose: string): Promise<DataKeyRow | null> {
    const [row] = await this.database.rows(
      sql`SELECT ${COLUMNS} FROM ${dataKeys} WHERE active_for = ${activeFor(tenantId, purpose)}`,
    );
    return row ? toDataKeyRow(row) : null;
  }

  override async insertPending(row: Omit<DataKeyRow, 'state'>): Promise<void> {
    await this.database.affected(sql`INSERT INTO ${dataKeys}
        (id, usable_id, active_for, tenant_id, purpose, state, kek_id, wrapped, check_value, created_at, state_changed_at)
      VALUES (${row.id}, ${keyIdText(uuidToBytes(row.id))}, NULL, ${row.tenantId}, ${row.purpose}, 'pending', ${row.kekId},
        ${row.wrapped!.toString('base64url')}, ${row.checkValue.toString('base64url')}, ${now}, ${now})`);
  }

  override async activate(row: DataKeyRow): Promise<boolean> {
    try {
      const changed = await this.database.affected(sql`UPDATE ${dataKeys}
        SET state = 'active', active_for = ${activeFor(row.tenantId, row.purpose)}, state_changed_at = ${now}
        WHERE id = ${row.id} AND state = 'pending'`);
      return changed === 1;
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  override async deletePending(id: string): Promise<void> {
    await this.database.affected(sql`DELETE FROM ${dataKeys} WHERE id = ${id} AND state = 'pending'`);
  }

  override async findCanaries(): Promise<DataKeyRow[]> {
    const rows = await this.database.rows(sql`SELECT ${COLUMNS} FROM ${dataKeys} WHERE id IN
      (SELECT MIN(id) FROM ${dataKeys} WHERE state IN ('active', 'decrypt_only') AND wrapped IS NOT NULL GROUP BY kek_id)`);
    return rows.map(toDataKeyRow);
  }
}
