import { keyIdText, uuidToBytes } from '../crypto/record-text.js';
import { randomId } from '../crypto/random.js';
import type { DataKeyRow } from '../keys/data-key-rows.js';
import { TRANSITIONS } from '../keys/key-states.js';
import { KeyTransitions, type RetireOutcome, type Rewrapped } from '../keys/key-transitions.js';
import { activeFor, audit, DATA_KEY, toDataKeyRow } from './data-key-mapping.js';
import { anyRowChanged } from './announced.js';
import type { Database } from './database.js';
import { isForeignKeyViolation, isUniqueViolation } from './error-codes.js';
import { jsonRows, updateFrom } from './json-rows.js';
import { dataKeys, now, sql } from './sql.js';

const { retire: RETIRE, restore: RESTORE, destroy: DESTROY } = TRANSITIONS;

export class SqlKeyTransitions extends KeyTransitions {
  constructor(private readonly database: Database) {
    super();
  }

  override async retire(key: DataKeyRow, destroyAfterMs: number, actor: string): Promise<RetireOutcome> {
    const statements = [
      sql`UPDATE ${dataKeys} SET state = ${RETIRE.to}, usable_id = NULL, state_changed_at = ${now}, destroy_after = ${now} + ${destroyAfterMs}
        WHERE id = ${key.id} AND state = ${RETIRE.from}`,
      audit(actor, 'retire', key, RETIRE.from, RETIRE.to),
    ];
    try {
      return (await this.database.atomically(statements)) ? 'retired' : 'wrong_state';
    } catch (error) {
      if (isForeignKeyViolation(error)) return 'in_use';
      throw error;
    }
  }

  override async restore(key: DataKeyRow, actor: string): Promise<boolean> {
    return this.database.atomically([
      sql`UPDATE ${dataKeys} SET state = ${RESTORE.to}, usable_id = ${keyIdText(uuidToBytes(key.id))}, state_changed_at = ${now}, destroy_after = NULL
        WHERE id = ${key.id} AND state = ${RESTORE.from}`,
      audit(actor, 'restore', key, RESTORE.from, RESTORE.to),
    ]);
  }

  override async destroy(key: DataKeyRow, actor: string): Promise<boolean> {
    return this.database.atomically([
      sql`UPDATE ${dataKeys} SET state = ${DESTROY.to}, wrapped = NULL, state_changed_at = ${now}
        WHERE id = ${key.id} AND state = ${DESTROY.from} AND destroy_after <= ${now}`,
      audit(actor, 'destroy', key, DESTROY.from, DESTROY.to),
    ]);
  }

  override async shred(tenantId: string, purposes: readonly string[], actor: string): Promise<number> {
    for (const purpose of purposes) await this.#tombstone(tenantId, purpose);
    let destroyed = 0;
    // A rotation that was under way may commit a key that the UPDATE before did not see. Afterwards there are none: the
    // tombstone stands in the way of any activation.
    for (;;) {
      const found = await this.database.rows(
        sql`SELECT ${DATA_KEY} FROM ${dataKeys} WHERE tenant_id = ${tenantId} AND state <> 'destroyed'`,
      );
      if (found.length === 0) break;
      const keys = found.map(toDataKeyRow);
      const done = await this.database.atomically([
        sql`UPDATE ${dataKeys} SET state = 'destroyed', wrapped = NULL, state_changed_at = ${now}
          WHERE tenant_id = ${tenantId} AND state <> 'destroyed'`,
        ...keys.map((key) => audit(actor, 'shred', key, key.state, 'destroyed')),
        ...anyRowChanged(this.database.dialect),
      ]);
      if (done) destroyed += keys.length;
      for (const purpose of purposes) await this.#tombstone(tenantId, purpose);
    }
    await this.database.affected(audit(actor, 'shred_tenant', { id: null, tenantId }, null, null));
    return destroyed;
  }

  /** Where the tenant has no active key: a destroyed one that stands in the way of any other. */
  async #tombstone(tenantId: string, purpose: string): Promise<void> {
    try {
      await this.database.affected(sql`INSERT INTO ${dataKeys}
          (id, usable_id, active_for, tenant_id, purpose, state, kek_id, wrapped, check_value, created_at, state_changed_at)
        VALUES (${randomId()}, NULL, ${activeFor(tenantId, purpose)}, ${tenantId}, ${purpose}, 'destroyed', '', NULL, '', ${now}, ${now})`);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
  }

  override async closeDestroyed(tenantId: string): Promise<boolean> {
    try {
      await this.database.affected(
        sql`UPDATE ${dataKeys} SET usable_id = NULL WHERE tenant_id = ${tenantId} AND state = 'destroyed'`,
      );
      return true;
    } catch (error) {
      if (isForeignKeyViolation(error)) return false;
      throw error;
    }
  }

  override async findWrappedByOthers(kekId: string, afterId: string, limit: number): Promise<DataKeyRow[]> {
    const rows = await this.database.rows(sql`SELECT ${DATA_KEY} FROM ${dataKeys}
      WHERE kek_id <> ${kekId} AND wrapped IS NOT NULL AND id > ${afterId} ORDER BY id LIMIT ${limit}`);
    return rows.map(toDataKeyRow);
  }

  override async rewrap(keys: readonly Rewrapped[], actor: string): Promise<number> {
    const { dialect } = this.database;
    const rows = keys.map(({ id, before, wrapped, kekId }) => ({
      id,
      old_wrapped: before.toString('base64url'),
      new_wrapped: wrapped.toString('base64url'),
      new_kek: kekId,
    }));
    const fields = ['id', 'old_wrapped', 'new_wrapped', 'new_kek'];
    const count = await this.database.affected(
      updateFrom(
        dialect,
        dataKeys,
        jsonRows(dialect, fields, rows),
        { wrapped: sql`v.new_wrapped`, kek_id: sql`v.new_kek` },
        sql`t.id = v.id AND t.wrapped = v.old_wrapped`,
      ),
    );
    const kek = { id: keys[0]?.kekId ?? null, tenantId: null };
    await this.database.affected(audit(actor, 'rewrap', kek, null, `${count} data keys`));
    return count;
  }
}
