import { keyIdText, uuidToBytes } from '../crypto/record-text.js';
import type { DataKeyState } from '../keys/data-key-rows.js';
import {
  type AuditRow,
  type KeyFilter,
  KeyReports,
  type KeyUse,
  type MoveProgress,
} from '../keys/key-reports.js';
import { DATA_KEY, toDataKeyRow } from './data-key-mapping.js';
import type { Database } from './database.js';
import { dataKeys, type Fragment, join, keyAudit, list, now, revocations, sql, tokens } from './sql.js';

/** Progress that is older belongs to a run that has ended. */
const RUN_GAP_MS = 60_000;
const NOTHING = { rows: 0, quarantinedRows: 0, pendingRevocations: 0 };

export class SqlKeyReports extends KeyReports {
  constructor(private readonly database: Database) {
    super();
  }

  override async now(): Promise<number> {
    const [row] = await this.database.rows(sql`SELECT ${now} AS read_at`);
    return Number(row!['read_at']);
  }

  override async countByState(): Promise<Record<DataKeyState, number>> {
    const rows = await this.database.rows(
      sql`SELECT state, COUNT(*) AS count FROM ${dataKeys} GROUP BY state`,
    );
    const counts = { pending: 0, active: 0, decrypt_only: 0, retired: 0, destroyed: 0 };
    for (const row of rows) counts[row['state'] as DataKeyState] = Number(row['count']);
    return counts;
  }

  override async findUse({ limit, ...filter }: KeyFilter & { limit: number }): Promise<KeyUse[]> {
    const keys = (
      await this.database.rows(sql`SELECT ${DATA_KEY} FROM ${dataKeys} WHERE ${matching(filter)}
        ORDER BY CASE WHEN state = 'active' THEN 1 ELSE 0 END, state_changed_at DESC, id LIMIT ${limit}`)
    ).map(toDataKeyRow);
    const counts = await this.#countRows(keys.map((key) => key.id));
    return keys.map((key) => ({ ...key, ...(counts.get(key.id) ?? NOTHING) }));
  }

  override async countKeys(filter: KeyFilter): Promise<number> {
    const [row] = await this.database.rows(
      sql`SELECT COUNT(*) AS count FROM ${dataKeys} WHERE ${matching(filter)}`,
    );
    return Number(row!['count']);
  }

  override async countRows(
    state: DataKeyState,
    tenantId?: string,
  ): Promise<{ rows: number; quarantinedRows: number }> {
    const ofTenant = tenantId === undefined ? sql`` : sql`AND tenant_id = ${tenantId}`;
    const [row] = await this.database.rows(
      sql`SELECT COUNT(*) AS count, COUNT(quarantined_as) AS quarantined FROM ${tokens}
        WHERE key_id IN (SELECT usable_id FROM ${dataKeys} WHERE state = ${state} AND purpose = 'token' ${ofTenant})`,
    );
    return { rows: Number(row!['count']), quarantinedRows: Number(row!['quarantined']) };
  }

  async #countRows(ids: string[]): Promise<Map<string, typeof NOTHING>> {
    if (ids.length === 0) return new Map();
    const byText = new Map(ids.map((id) => [keyIdText(uuidToBytes(id)), id]));
    const under = list([...byText.keys()]);
    const counts = new Map<string, typeof NOTHING>();
    const add = (row: Record<string, unknown>, change: Partial<typeof NOTHING>): void => {
      const id = byText.get(row['key_id'] as string)!;
      counts.set(id, { ...(counts.get(id) ?? NOTHING), ...change });
    };
    for (const row of await this.database.rows(
      sql`SELECT key_id, COUNT(*) AS count, COUNT(quarantined_as) AS quarantined FROM ${tokens}
        WHERE key_id IN (${under}) GROUP BY key_id`,
    ))
      add(row, { rows: Number(row['count']), quarantinedRows: Number(row['quarantined']) });
    for (const row of await this.database.rows(
      sql`SELECT key_id, COUNT(*) AS count FROM ${revocations} WHERE key_id IN (${under}) GROUP BY key_id`,
    ))
      add(row, { pendingRevocations: Number(row['count']) });
    return counts;
  }

  override async countByKek(): Promise<{ kekId: string; dataKeys: number }[]> {
    const rows = await this.database.rows(
      sql`SELECT kek_id, COUNT(*) AS count FROM ${dataKeys} WHERE wrapped IS NOT NULL GROUP BY kek_id ORDER BY kek_id`,
    );
    return rows.map((row) => ({ kekId: row['kek_id'] as string, dataKeys: Number(row['count']) }));
  }

  override async progress(): Promise<MoveProgress> {
    const [row] = await this.database.rows(
      sql`SELECT SUM(moved_rows) AS moved, MIN(moving_since) AS since FROM ${dataKeys} WHERE moved_at >= ${now} - ${RUN_GAP_MS}`,
    );
    const since = row!['since'];
    return { movedRows: Number(row!['moved'] ?? 0), movingSince: since === null ? null : Number(since) };
  }

  override async findAudit(limit: number): Promise<AuditRow[]> {
    const rows = await this.database.rows(
      sql`SELECT at, actor, action, key_id, tenant_id, from_state, to_state FROM ${keyAudit} ORDER BY at DESC, id LIMIT ${limit}`,
    );
    return rows.map((row) => ({
      at: Number(row['at']),
      actor: row['actor'] as string,
      action: row['action'] as string,
      keyId: row['key_id'] as string | null,
      tenantId: row['tenant_id'] as string | null,
      from: row['from_state'] as string | null,
      to: row['to_state'] as string | null,
    }));
  }
}

function matching({ states, purpose, tenantId, id, empty, destroyable, restored }: KeyFilter): Fragment {
  const conditions = [
    sql`1 = 1`,
    ...(states ? [sql`state IN (${list(states)})`] : []),
    ...(tenantId === undefined ? [] : [sql`tenant_id = ${tenantId}`]),
    ...(purpose === undefined ? [] : [sql`purpose = ${purpose}`]),
    ...(id === undefined ? [] : [sql`id = ${id}`]),
    ...(empty
      ? [
          sql`NOT EXISTS (SELECT 1 FROM ${tokens} WHERE key_id = usable_id)`,
          sql`NOT EXISTS (SELECT 1 FROM ${revocations} WHERE key_id = usable_id)`,
        ]
      : []),
    ...(destroyable ? [sql`destroy_after <= ${now}`] : []),
    ...(restored === false
      ? [sql`NOT EXISTS (SELECT 1 FROM ${keyAudit} WHERE key_id = ${dataKeys}.id AND action = 'restore')`]
      : []),
  ];
  return join(conditions, ' AND ');
}
