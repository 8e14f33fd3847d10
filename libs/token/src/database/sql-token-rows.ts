import {
  FencedWriteError,
  type FullTokenRow,
  type ReadableTokenRow,
  type TokenFilter,
  type TokenRow,
  TokenRows,
  type TokenWrite,
} from '../store/token-rows.js';
import type { NewRevocation } from '../store/revocation-rows.js';
import type { ResolvedTokenRef, TokenStatus } from '../common/tokens.js';
import { announced } from './announced.js';
import { randomFraction } from '../crypto/random.js';
import { idleWindowMs } from '../refresh/policy.js';
import type { Database } from './database.js';
import { isForeignKeyViolation, isUniqueViolation } from './error-codes.js';
import { ReadBatcher } from './read-batcher.js';
import {
  assignments,
  FULL_ROW,
  FULL_ROWS,
  heldBy,
  lookupOf,
  ROW,
  toFullRow,
  toRow,
  READABLE_ROW,
  toReadableRow,
} from './row-mapping.js';
import { insertRevocation } from './insert-revocation.js';
import { SESSION_HANGS_ON_IT } from './session-mapping.js';
import { isHeld } from './sql-lineage.js';
import { type Fragment, fromNow, join, list, now, sql, tokens } from './sql.js';

/** Runs a write that seals; the database refuses keys that are retired. */
export async function fenced<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (isForeignKeyViolation(error)) throw new FencedWriteError('the data key is no longer usable');
    throw error;
  }
}

export class SqlTokenRows extends TokenRows {
  readonly #reads: ReadBatcher<ReadableTokenRow>;
  readonly #fullReads: ReadBatcher<FullTokenRow>;

  constructor(private readonly database: Database) {
    super();
    const readable = sql`${READABLE_ROW} FROM ${tokens}`;
    this.#reads = new ReadBatcher((lookups) => this.#findMany(lookups, readable, toReadableRow));
    const full = sql`${FULL_ROW} FROM ${FULL_ROWS}`;
    this.#fullReads = new ReadBatcher((lookups) => this.#findMany(lookups, full, toFullRow));
  }

  override find(ref: ResolvedTokenRef): Promise<ReadableTokenRow | null> {
    return this.#reads.read(lookupOf(ref));
  }

  override findFull(ref: ResolvedTokenRef): Promise<FullTokenRow | null> {
    return this.#fullReads.read(lookupOf(ref));
  }

  async #findMany<Row>(
    lookups: string[],
    what: Fragment,
    toEntry: (row: Record<string, unknown>) => Row,
  ): Promise<Map<string, Row>> {
    const among =
      this.database.dialect === 'postgres'
        ? sql`lookup = ANY(${lookups})`
        : sql`lookup IN (${list(lookups)})`;
    const rows = await this.database.hotRows(sql`SELECT lookup, ${what} WHERE ${among}`);
    return new Map(rows.map((row) => [row['lookup'] as string, toEntry(row)]));
  }

  override async list(filter: TokenFilter): Promise<TokenRow[]> {
    const rows = await this.database.rows(
      sql`SELECT ${ROW} FROM ${tokens} WHERE ${matching(filter)} ORDER BY created_at, id`,
    );
    return rows.map(toRow);
  }

  override async findRevocable(filter: TokenFilter, afterId: string, limit: number): Promise<FullTokenRow[]> {
    const rows = await this.database.rows(sql`SELECT ${FULL_ROW} FROM ${FULL_ROWS}
      WHERE ${matching(filter)} AND status <> 'revoked' AND id > ${afterId} ORDER BY id LIMIT ${limit}`);
    return rows.map(toFullRow);
  }

  override async takeDue(
    providers: readonly string[],
    holding: readonly string[],
    limit: number,
    leaseMs: number,
    holdMs: number,
  ): Promise<TokenRow[]> {
    if (providers.length === 0) return [];
    const held = holding.length === 0 ? sql`` : sql`AND NOT (${isHeld} AND provider IN (${list(holding)}))`;
    const due = sql`status = 'active' AND refresh_after <= ${now} AND refresh_ct IS NOT NULL AND provider IN (${list(providers)})
        AND (claim_id IS NULL OR claimed_at < ${now} - ${leaseMs}) AND (retry_after IS NULL OR retry_after <= ${now}) ${held}`;
    if (this.database.dialect !== 'postgres') return this.#takeMarked(due, limit, holdMs);
    const rows = await this.database.rows(sql`WITH due AS (SELECT id FROM ${tokens} WHERE ${due}
        ORDER BY refresh_after LIMIT ${limit} FOR UPDATE SKIP LOCKED),
      taken AS (UPDATE ${tokens} SET refresh_after = ${fromNow(holdMs)} WHERE id IN (SELECT id FROM due) RETURNING *)
      SELECT ${ROW} FROM taken`);
    return rows.map(toRow);
  }

  /** Where an UPDATE cannot tell which rows it has found: by an instant that is hardly anybody else's. */
  async #takeMarked(due: Fragment, limit: number, holdMs: number): Promise<TokenRow[]> {
    const found = await this.database.rows(
      sql`SELECT id, ${now} AS read_at FROM ${tokens} WHERE ${due} ORDER BY refresh_after LIMIT ${limit}`,
    );
    if (found.length === 0) return [];
    const mark = Number(found[0]!['read_at']) + Math.round(holdMs * (1 + randomFraction() / 2));
    const ids = sql`id IN (${list(found.map((row) => row['id']))})`;
    // Two replicas may lock the rows in different orders; whom the database ends begins again.
    await this.database.atomically([
      sql`UPDATE ${tokens} SET refresh_after = ${mark} WHERE ${ids} AND ${due}`,
    ]);
    const rows = await this.database.rows(
      sql`SELECT ${ROW} FROM ${tokens} WHERE ${ids} AND refresh_after = ${mark}`,
    );
    return rows.map(toRow);
  }

  override async keepAlive(provider: string, idleMs: number, limit: number, holdMs: number): Promise<number> {
    const [earliest, latest] = idleWindowMs(idleMs);
    const late = sql`status = 'active' AND provider = ${provider} AND refresh_ct IS NOT NULL
      AND (refresh_after IS NULL OR (refresh_after > refreshed_at + ${latest} AND refresh_after > ${fromNow(2 * holdMs)}))`;
    // The last digits of an instant are as good as a random number, and the same on every database.
    const point = sql`refreshed_at + ${earliest} + (refreshed_at % 1000) * ${Math.floor((latest - earliest) / 1000)}`;
    // By their ids: MySQL would lock every row that it scans.
    const found = await this.database.rows(sql`SELECT id FROM ${tokens} WHERE ${late} LIMIT ${limit}`);
    if (found.length === 0) return 0;
    const ids = list(found.map((row) => row['id']));
    await this.database.atomically([
      sql`UPDATE ${tokens} SET refresh_after = ${point} WHERE id IN (${ids}) AND ${late}`,
    ]);
    return found.length;
  }

  override async postpone({ id, generation }: TokenRow, delayMs: number): Promise<void> {
    await this.database.affected(sql`UPDATE ${tokens} SET refresh_after = ${fromNow(delayMs)}
      WHERE id = ${id} AND generation = ${generation}`);
  }

  override async insert(id: string, ref: ResolvedTokenRef, write: TokenWrite): Promise<boolean> {
    const statement = sql`INSERT INTO ${tokens} (id, lookup, tenant_id, user_id, provider, account, status, generation, token_type, scope,
        access_ct, refresh_ct, id_ct, dpop_ct, lifetime_seconds, expires_at, refresh_after, refreshed_at, created_at, updated_at, failures)
      VALUES (${id}, ${lookupOf(ref)}, ${ref.tenantId}, ${ref.userId}, ${ref.provider}, ${ref.account}, 'active', 1, ${write.tokenType}, ${write.scope},
        ${write.accessCt}, ${write.refreshCt}, ${write.idCt}, ${write.dpopCt}, ${write.lifetimeSeconds}, ${fromNow(write.expiresInMs)}, ${fromNow(write.refreshInMs)},
        ${now}, ${now}, ${now}, 0)`;
    try {
      await fenced(() => this.database.affected(statement));
      return true;
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
  }

  override async replace(row: TokenRow, write: TokenWrite, keepsRefreshToken: boolean): Promise<boolean> {
    // A claim's exchange may be consuming the refresh token that is to be kept.
    const unclaimed = keepsRefreshToken ? sql`AND ${heldBy(row.claimId, row.claimedAt)}` : sql``;
    const unknownSince = keepsRefreshToken ? sql`unknown_since` : sql`NULL`;
    const statement = sql`UPDATE ${tokens} SET ${assignments(write)}, unknown_since = ${unknownSince}, claim_id = NULL, claimed_at = NULL,
        failures = 0, last_failure = NULL, retry_after = NULL
      WHERE id = ${row.id} AND generation = ${row.generation} ${unclaimed}`;
    return (await fenced(() => this.database.affected(announced(this.database.dialect, statement)))) === 1;
  }

  override async revoke(id: string, seen: number, entry: NewRevocation | null): Promise<boolean> {
    const update = sql`UPDATE ${tokens} SET status = 'revoked', ends = ends + 1, generation = generation + 1, access_ct = NULL, refresh_ct = NULL, id_ct = NULL, dpop_ct = NULL,
        refresh_after = NULL, updated_at = ${now}, quarantined_as = NULL, claim_id = NULL, claimed_at = NULL, unknown_since = NULL, retry_after = NULL
      WHERE id = ${id} AND generation = ${seen}`;
    const statement = announced(this.database.dialect, update);
    if (entry === null) return (await this.database.affected(statement)) === 1;
    return fenced(() => this.database.atomically([statement, insertRevocation(entry)]));
  }

  override async deleteDead(retentionMs: number, limit: number): Promise<number> {
    const before = sql`${now} - ${retentionMs}`;
    const dead = sql`(status <> 'active' AND updated_at < ${before})
      OR (status = 'active' AND refresh_ct IS NULL AND expires_at IS NOT NULL AND expires_at < ${before} AND NOT ${SESSION_HANGS_ON_IT})`;
    if (this.database.dialect !== 'mysql') return this.database.affected(this.#deleteBatch(dead, limit));
    // MySQL would lock every row that it scans, and does not let a DELETE read its own table.
    const found = await this.database.rows(sql`SELECT id FROM ${tokens} WHERE ${dead} LIMIT ${limit}`);
    if (found.length === 0) return 0;
    return this.database.affected(
      sql`DELETE FROM ${tokens} WHERE id IN (${list(found.map((row) => row['id']))}) AND (${dead})`,
    );
  }

  /** Replicas that clean up at the same time take different rows. */
  #deleteBatch(dead: Fragment, limit: number): Fragment {
    const lock = this.database.dialect === 'postgres' ? sql`FOR UPDATE SKIP LOCKED` : sql``;
    return sql`DELETE FROM ${tokens} WHERE id IN (SELECT id FROM ${tokens} WHERE ${dead} LIMIT ${limit} ${lock})`;
  }

  override async countByStatus(): Promise<Record<TokenStatus, number>> {
    const rows = await this.database.rows(
      sql`SELECT status, COUNT(*) AS count FROM ${tokens} GROUP BY status`,
    );
    const counts = { active: 0, reauthorization_required: 0, revoked: 0 };
    for (const row of rows) counts[row['status'] as TokenStatus] = Number(row['count']);
    return counts;
  }
}

function matching({ userId, tenantId, provider, account, status }: TokenFilter): Fragment {
  const conditions = [
    userId === undefined ? null : sql`user_id = ${userId}`,
    tenantId === undefined ? null : sql`tenant_id = ${tenantId}`,
    provider === undefined ? null : sql`provider = ${provider}`,
    account === undefined ? null : sql`account = ${account}`,
    status === undefined ? null : sql`status = ${status}`,
  ].filter((condition) => condition !== null);
  return join(conditions, ' AND ');
}
