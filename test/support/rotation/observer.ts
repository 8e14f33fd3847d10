import { tokenEntities, tokenMigrations } from '@tokenward/nestjs';
import { DataSource, type DataSourceOptions } from 'typeorm';

/** Looks at the tables with plain SQL, without the library: what it counts is what is there. */
export class Observer {
  private constructor(readonly dataSource: DataSource) {}

  /** Also makes the tables. */
  static async of(database: DataSourceOptions): Promise<Observer> {
    const options = { ...database, entities: [...tokenEntities], migrations: [...tokenMigrations] };
    const dataSource = await new DataSource(options).initialize();
    await dataSource.runMigrations();
    return new Observer(dataSource);
  }

  async keys(state: string): Promise<{ id: string; usableId: string | null; tenantId: string }[]> {
    const rows = await this.dataSource.query<{ id: string; usable_id: string | null; tenant_id: string }[]>(
      `SELECT id, usable_id, tenant_id FROM tokenward_data_keys WHERE state = '${state}' AND purpose = 'token' ORDER BY tenant_id`,
    );
    return rows.map((row) => ({ id: row.id, usableId: row.usable_id, tenantId: row.tenant_id }));
  }

  /** How many rows are under each key. */
  async rowsByKey(): Promise<Record<string, number>> {
    const rows = await this.dataSource.query<{ key_id: string; count: string | number }[]>(
      'SELECT key_id, COUNT(*) AS count FROM tokenward_tokens GROUP BY key_id',
    );
    return Object.fromEntries(rows.map((row) => [row.key_id, Number(row.count)]));
  }

  /** Rows under this key that were not written since and that no refresh has claimed. */
  async rowsLeft(usableId: string, writtenBefore: number): Promise<number> {
    const [row] = await this.dataSource.query<{ count: string | number }[]>(
      `SELECT COUNT(*) AS count FROM tokenward_tokens WHERE key_id = '${usableId}' AND refreshed_at < ${writtenBefore} AND claim_id IS NULL`,
    );
    return Number(row!.count);
  }

  async stateChangedAt(keyId: string): Promise<number> {
    const [row] = await this.dataSource.query<{ state_changed_at: string | number }[]>(
      `SELECT state_changed_at FROM tokenward_data_keys WHERE id = '${keyId}'`,
    );
    return Number(row!.state_changed_at);
  }

  close(): Promise<void> {
    return this.dataSource.destroy();
  }
}
