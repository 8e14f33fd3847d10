import { keyIdText, uuidToBytes } from '../crypto/record-text.js';
import { type EmptyingKey, type SealedRow, SealedRows } from '../store/sealed-rows.js';
import type { SealedCells } from '../store/token-rows.js';
import { announced } from './announced.js';
import type { Database } from './database.js';
import { isDeadlock } from './error-codes.js';
import { jsonRows, updateFrom } from './json-rows.js';
import { dataKeys, type Fragment, list, now, revocations, sessions, sql, tokens } from './sql.js';
import { fenced } from './sql-token-rows.js';

/** Prefix, header, nonce, commitment and tag of a record as text: no two records share it, and it is short. */
const RECORD_START = 127;
/** Progress that is older belongs to an earlier run. */
const RUN_GAP_MS = 60_000;
const ATTEMPTS = 5;

const start = (cell: string | null): string => cell?.slice(0, RECORD_START) ?? '';
const sameCell = (column: Fragment, value: unknown): Fragment =>
  sql`COALESCE(substr(${column}, 1, 127), '') = ${value}`;

export class SqlSealedRows extends SealedRows {
  constructor(private readonly database: Database) {
    super();
  }

  override async findEmptyingKeys(): Promise<EmptyingKey[]> {
    const rows = await this.database.rows(
      sql`SELECT id, tenant_id, state_changed_at, moved_rows FROM ${dataKeys} WHERE state = 'decrypt_only' AND purpose = 'token'
        AND EXISTS (SELECT 1 FROM ${tokens} WHERE key_id = usable_id AND quarantined_as IS NULL) ORDER BY state_changed_at, id`,
    );
    return rows.map((row) => ({
      id: row['id'] as string,
      keyIdText: keyIdText(uuidToBytes(row['id'] as string)),
      tenantId: row['tenant_id'] as string,
      supersededAt: Number(row['state_changed_at']),
      hasMoved: Number(row['moved_rows'] ?? 0) > 0,
    }));
  }

  override async page(
    key: EmptyingKey,
    afterId: string,
    limit: number,
    leaseMs: number,
  ): Promise<SealedRow[]> {
    const rows = await this.database.rows(
      sql`SELECT id, tenant_id, access_ct, refresh_ct, id_ct, dpop_ct, refreshed_at FROM ${tokens}
        WHERE key_id = ${key.keyIdText} AND id > ${afterId} AND quarantined_as IS NULL
          AND (claim_id IS NULL OR claimed_at < ${now} - ${leaseMs})
        ORDER BY id LIMIT ${limit}`,
    );
    return rows.map((row) => ({
      id: row['id'] as string,
      tenantId: row['tenant_id'] as string,
      accessCt: row['access_ct'] as string | null,
      refreshCt: row['refresh_ct'] as string | null,
      idCt: row['id_ct'] as string | null,
      dpopCt: row['dpop_ct'] as string | null,
      sealedAt: Number(row['refreshed_at']),
    }));
  }

  override async move(
    key: EmptyingKey,
    moves: readonly { before: SealedRow; after: SealedCells }[],
  ): Promise<number> {
    const { dialect } = this.database;
    const rows = moves.map(({ before, after }) => ({
      id: before.id,
      old_access: start(before.accessCt),
      old_refresh: start(before.refreshCt),
      old_id: start(before.idCt),
      old_dpop: start(before.dpopCt),
      new_access: after.accessCt,
      new_refresh: after.refreshCt,
      new_id: after.idCt,
      new_dpop: after.dpopCt,
    }));
    const names = ['access', 'refresh', 'id', 'dpop'];
    const fields = ['id', ...names.map((name) => `old_${name}`), ...names.map((name) => `new_${name}`)];
    const cells = {
      access_ct: sql`v.new_access`,
      refresh_ct: sql`v.new_refresh`,
      id_ct: sql`v.new_id`,
      dpop_ct: sql`v.new_dpop`,
    };
    const unchanged = sql`${sameCell(sql`t.access_ct`, sql`v.old_access`)} AND ${sameCell(sql`t.refresh_ct`, sql`v.old_refresh`)}
      AND ${sameCell(sql`t.id_ct`, sql`v.old_id`)} AND ${sameCell(sql`t.dpop_ct`, sql`v.old_dpop`)}`;
    // No condition on the key, which the start of a record names: databases would use it to walk all rows under that key.
    const statement = updateFrom(
      dialect,
      tokens,
      jsonRows(dialect, fields, rows),
      cells,
      sql`t.id = v.id ${this.#among(rows)} AND ${unchanged}`,
    );
    return fenced(() => this.#patiently(statement));
  }

  /** PostgreSQL takes the rows of a parameter for many, and would rather join with the whole table. */
  #among(rows: readonly { id: string }[]): Fragment {
    return this.database.dialect === 'postgres' ? sql`AND t.id = ANY(${rows.map(({ id }) => id)})` : sql``;
  }

  /** A batch and the writes of others may lock rows in different orders; whom the database ends begins again. */
  async #patiently(statement: Fragment): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.database.affected(statement);
      } catch (error) {
        if (attempt === ATTEMPTS || !isDeadlock(error)) throw error;
      }
    }
  }

  override async quarantine(row: SealedRow, reason: string): Promise<boolean> {
    const statement = sql`UPDATE ${tokens} SET quarantined_as = ${reason}
      WHERE id = ${row.id} AND ${sameCell(sql`access_ct`, start(row.accessCt))}
        AND ${sameCell(sql`refresh_ct`, start(row.refreshCt))} AND ${sameCell(sql`id_ct`, start(row.idCt))}
        AND ${sameCell(sql`dpop_ct`, start(row.dpopCt))}`;
    return (await this.database.affected(statement)) === 1;
  }

  override async release(): Promise<number> {
    return this.database.affected(
      sql`UPDATE ${tokens} SET quarantined_as = NULL WHERE quarantined_as IS NOT NULL`,
    );
  }

  override async count(key: Pick<EmptyingKey, 'keyIdText'>): Promise<{ rows: number; quarantined: number }> {
    const [row] = await this.database.rows(
      sql`SELECT COUNT(*) AS count, COUNT(quarantined_as) AS quarantined FROM ${tokens} WHERE key_id = ${key.keyIdText}`,
    );
    return { rows: Number(row!['count']), quarantined: Number(row!['quarantined']) };
  }

  override async addProgress(keyId: string, moved: number): Promise<void> {
    const running = sql`moved_at IS NOT NULL AND moved_at >= ${now} - ${RUN_GAP_MS}`;
    // MySQL takes assignments from left to right: moved_at, which the others look at, comes last.
    await this.database.affected(sql`UPDATE ${dataKeys}
      SET moved_rows = CASE WHEN ${running} THEN moved_rows ELSE 0 END + ${moved},
        moving_since = CASE WHEN ${running} THEN moving_since ELSE ${now} END, moved_at = ${now}
      WHERE id = ${keyId}`);
  }

  override async eraseTenant(tenantId: string, limit: number): Promise<number> {
    await this.#erasePending(tenantId, limit);
    await this.#endSessions(tenantId);
    const found = await this.database.rows(
      sql`SELECT id FROM ${tokens} WHERE ${sealedOfTenant(tenantId)} LIMIT ${limit}`,
    );
    if (found.length === 0) return 0;
    const { dialect } = this.database;
    const rows = jsonRows(
      dialect,
      ['id'],
      found.map((row) => ({ id: row['id'] as string })),
    );
    const erased = {
      status: sql`'revoked'`,
      ends: sql`ends + 1`,
      generation: sql`generation + 1`,
      access_ct: sql`NULL`,
      refresh_ct: sql`NULL`,
      id_ct: sql`NULL`,
      dpop_ct: sql`NULL`,
      refresh_after: sql`NULL`,
      updated_at: sql`${now}`,
      claim_id: sql`NULL`,
      claimed_at: sql`NULL`,
      unknown_since: sql`NULL`,
      retry_after: sql`NULL`,
      quarantined_as: sql`NULL`,
    };
    return this.database.affected(updateFrom(dialect, tokens, rows, erased, sql`t.id = v.id`));
  }

  override async countTenant(tenantId: string): Promise<number> {
    const [row] = await this.database.rows(
      sql`SELECT COUNT(*) AS count FROM ${tokens} WHERE ${sealedOfTenant(tenantId)}`,
    );
    return Number(row!['count']);
  }

  /** Nobody can open them any more; what they held is erased. */
  async #endSessions(tenantId: string): Promise<void> {
    const update = sql`UPDATE ${sessions} SET ended_at = COALESCE(ended_at, ${now}), end_reason = COALESCE(end_reason, 'ended_by_application'),
        attributes_ct = NULL, host_ct = NULL
      WHERE tenant_id = ${tenantId} AND (ended_at IS NULL OR host_ct IS NOT NULL)`;
    await this.database.affected(announced(this.database.dialect, update));
  }

  async #erasePending(tenantId: string, limit: number): Promise<void> {
    for (;;) {
      const found = await this.database.rows(
        sql`SELECT id FROM ${revocations} WHERE ${ofTenant(tenantId)} LIMIT ${limit}`,
      );
      if (found.length > 0)
        await this.database.affected(
          sql`DELETE FROM ${revocations} WHERE id IN (${list(found.map((row) => row['id']))})`,
        );
      if (found.length < limit) return;
    }
  }
}

const ofTenant = (tenantId: string): Fragment =>
  sql`(tenant_id = ${tenantId} OR key_id IN (SELECT usable_id FROM ${dataKeys} WHERE tenant_id = ${tenantId}))`;

/** Rows without tokens are tombstones. */
const sealedOfTenant = (tenantId: string): Fragment => sql`key_id IS NOT NULL AND ${ofTenant(tenantId)}`;
