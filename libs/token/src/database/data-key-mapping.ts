import { lookupHash } from '../crypto/lookup-hash.js';
import { randomId } from '../crypto/random.js';
import type { DataKeyRow, DataKeyState } from '../keys/data-key-rows.js';
import { type Fragment, keyAudit, now, sql } from './sql.js';

/** Columns of a `DataKeyRow`. */
export const DATA_KEY = sql`id, tenant_id, purpose, state, kek_id, wrapped, check_value, created_at, state_changed_at, destroy_after`;

export function toDataKeyRow(row: Record<string, unknown>): DataKeyRow {
  const wrapped = row['wrapped'] as string | null;
  const destroyAfter = row['destroy_after'];
  return {
    id: row['id'] as string,
    tenantId: row['tenant_id'] as string,
    purpose: row['purpose'] as string,
    state: row['state'] as DataKeyState,
    kekId: row['kek_id'] as string,
    wrapped: wrapped === null ? null : Buffer.from(wrapped, 'base64url'),
    checkValue: Buffer.from(row['check_value'] as string, 'base64url'),
    createdAt: Number(row['created_at']),
    stateChangedAt: Number(row['state_changed_at']),
    destroyAfter: destroyAfter === null ? null : Number(destroyAfter),
  };
}

/** Unique while a tenant has an active key, or a tombstone after which it gets none. */
export const activeFor = (tenantId: string, purpose: string): string =>
  lookupHash(['active data key', tenantId, purpose]);

/** One row of the audit trail, written in the transaction of what it tells. */
export function audit(
  actor: string,
  action: string,
  key: { id: string | null; tenantId: string | null },
  from: string | null,
  to: string | null,
): Fragment {
  return sql`INSERT INTO ${keyAudit} (id, at, actor, action, key_id, tenant_id, from_state, to_state)
    VALUES (${randomId()}, ${now}, ${actor}, ${action}, ${key.id}, ${key.tenantId}, ${from}, ${to})`;
}
