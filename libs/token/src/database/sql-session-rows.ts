import {
  type EndedSession,
  type HostSessionRow,
  type NewSession,
  type OverSessions,
  type SessionEndReason,
  SessionExistsError,
  type SessionFilter,
  type SessionRow,
  SessionRows,
} from '../store/session-rows.js';
import type { ResolvedTokenRef } from '../common/tokens.js';
import { announced } from './announced.js';
import type { Database } from './database.js';
import { isDeadlock, isUniqueViolation } from './error-codes.js';
import { ReadBatcher } from './read-batcher.js';
import { lookupOf } from './row-mapping.js';
import { LIVE, matching, SESSION, SESSION_HANGS_ON_IT, toSessionRow, WHY_OVER } from './session-mapping.js';
import { type Fragment, fromNow, list, now, sessions, sql, tokens } from './sql.js';

const AT_ONCE = 500;
const ATTEMPTS = 5;
/** So much longer than others the row of a session is kept that its host has not destroyed yet. */
const HOST_MS = 86_400_000;

export class SqlSessionRows extends SessionRows {
  readonly #reads: ReadBatcher<SessionRow>;

  constructor(private readonly database: Database) {
    super();
    this.#reads = new ReadBatcher((hashes) => this.#findMany(hashes));
  }

  override find(idHash: string): Promise<SessionRow | null> {
    return this.#reads.read(idHash);
  }

  async #findMany(hashes: string[]): Promise<Map<string, SessionRow>> {
    const among =
      this.database.dialect === 'postgres'
        ? sql`id_hash = ANY(${hashes})`
        : sql`id_hash IN (${list(hashes)})`;
    const rows = await this.database.hotRows(
      sql`SELECT id_hash, ${SESSION} FROM ${sessions} WHERE ${among} AND ${LIVE}`,
    );
    return new Map(rows.map((row) => [row['id_hash'] as string, toSessionRow(row)]));
  }

  override async list(filter: SessionFilter): Promise<SessionRow[]> {
    const rows = await this.database.rows(
      sql`SELECT ${SESSION} FROM ${sessions} WHERE ${matching(filter)} AND ${LIVE} ORDER BY created_at DESC, id`,
    );
    return rows.map(toSessionRow);
  }

  override async insert(session: NewSession): Promise<SessionRow | null> {
    const { handle, login, tokens: ref } = session;
    const ofTokens = (column: Fragment): Fragment =>
      ref === null ? sql`NULL` : sql`(SELECT ${column} FROM ${tokens} WHERE lookup = ${lookupOf(ref)})`;
    const statement = sql`INSERT INTO ${sessions} (id, id_hash, tenant_id, user_id, provider, account, subject, sid,
        attributes_ct, host_ct, user_agent, token_id, token_ends, created_at, last_seen_at, idle_expires_at, expires_at)
      VALUES (${handle}, ${session.idHash}, ${session.tenantId}, ${session.userId}, ${login?.provider ?? null}, ${login?.account ?? null},
        ${login?.subject ?? null}, ${login?.sid ?? null}, ${session.attributesCt}, ${session.hostCt}, ${session.userAgent},
        ${ofTokens(sql`id`)}, ${ofTokens(sql`ends`)}, ${now}, ${now}, ${fromNow(session.idleMs)}, ${fromNow(session.absoluteMs)})`;
    try {
      // Not part of a transaction that the host may roll back: the cookie goes out in any case.
      await this.database.affectedAlone(statement);
    } catch (error) {
      if (isUniqueViolation(error)) throw new SessionExistsError();
      throw error;
    }
    const [row] = await this.list({ handle });
    return row ?? null;
  }

  override async touch(handles: readonly string[], idleMs: number): Promise<void> {
    await this
      .#affected(sql`UPDATE ${sessions} SET last_seen_at = ${now}, idle_expires_at = ${fromNow(idleMs)}
      WHERE id IN (${list(handles)}) AND ${LIVE}`);
  }

  override async replaceAttributes(handle: string, attributesCt: string): Promise<boolean> {
    const update = sql`UPDATE ${sessions} SET attributes_ct = ${attributesCt} WHERE id = ${handle} AND ${LIVE}`;
    return (await this.#affected(announced(this.database.dialect, update))) === 1;
  }

  override async end(filter: SessionFilter, reason: SessionEndReason): Promise<string[]> {
    const ended: string[] = [];
    for (;;) {
      const found = await this.#some(sql`${matching(filter)} AND ${LIVE}`, sql`id`);
      const ids = found.map((row) => row['id'] as string);
      ended.push(...(await this.#end(ids, reason)));
      if (found.length < AT_ONCE) return ended;
    }
  }

  override async endOver({ tokenIds, tokensEndedWithinMs }: OverSessions = {}): Promise<EndedSession[]> {
    const some = tokenIds === undefined ? sql`` : sql`token_id IN (${list(tokenIds)}) AND`;
    const among =
      tokensEndedWithinMs === undefined
        ? some
        : sql`token_id IN (SELECT id FROM ${tokens} WHERE status IN ('revoked', 'reauthorization_required')
            AND updated_at > ${now} - ${tokensEndedWithinMs}) AND`;
    const ended: EndedSession[] = [];
    for (;;) {
      const found = await this.#some(
        sql`${among} ended_at IS NULL AND NOT (${LIVE})`,
        sql`id, ${WHY_OVER} AS why`,
      );
      for (const reason of ['expired', 'idle', 'tokens_ended'] as const) {
        const ids = found.filter((row) => row['why'] === reason).map((row) => row['id'] as string);
        ended.push(...(await this.#end(ids, reason)).map((handle) => ({ handle, reason })));
      }
      if (found.length < AT_ONCE) return ended;
    }
  }

  async #some(which: Fragment, columns: Fragment): Promise<Record<string, unknown>[]> {
    return this.database.rows(
      sql`SELECT ${columns} FROM ${sessions} WHERE ${which} ORDER BY id LIMIT ${AT_ONCE}`,
    );
  }

  /** Those that it has ended, or all if it has ended any: then another replica has ended the rest at this moment. */
  async #end(handles: string[], reason: SessionEndReason): Promise<string[]> {
    if (handles.length === 0) return [];
    const update = sql`UPDATE ${sessions} SET ended_at = ${now}, end_reason = ${reason}, attributes_ct = NULL
      WHERE id IN (${list(handles)}) AND ended_at IS NULL`;
    return (await this.#affected(announced(this.database.dialect, update))) > 0 ? handles : [];
  }

  override async endedSince(instant: number): Promise<{ ended: EndedSession[]; now: number }> {
    // One row at least, for the sake of the clock.
    const rows = await this.database.rows(sql`SELECT id, end_reason, read_at
      FROM (SELECT ${now} AS read_at) AS clock LEFT JOIN ${sessions} ON ended_at >= ${instant}`);
    const ended = rows.filter((row) => row['id'] !== null);
    return {
      ended: ended.map((row) => ({
        handle: row['id'] as string,
        reason: row['end_reason'] as SessionEndReason,
      })),
      now: Number(rows[0]!['read_at']),
    };
  }

  override async tokensOnlyOf(filter: SessionFilter): Promise<ResolvedTokenRef | null> {
    const [found] = await this.database.rows(
      sql`SELECT token_id, token_ends FROM ${sessions} WHERE ${matching(filter)} AND token_id IS NOT NULL`,
    );
    if (!found) return null;
    const { token_id: id, token_ends: ends } = found;
    const [row] = await this.database.rows(sql`SELECT tenant_id, user_id, provider, account FROM ${tokens}
      WHERE id = ${id} AND ends = ${ends} AND NOT ${SESSION_HANGS_ON_IT}`);
    if (!row) return null;
    return {
      tenantId: row['tenant_id'] as string,
      userId: row['user_id'] as string,
      provider: row['provider'] as string,
      account: row['account'] as string,
    };
  }

  override async unreleased(handle?: string): Promise<HostSessionRow[]> {
    const which = handle === undefined ? sql`` : sql`AND id = ${handle}`;
    const rows = await this.database.rows(sql`SELECT id, tenant_id, host_ct FROM ${sessions}
      WHERE ended_at > ${now} - ${HOST_MS} AND host_ct IS NOT NULL ${which} ORDER BY ended_at LIMIT ${AT_ONCE}`);
    return rows.map((row) => ({
      handle: row['id'] as string,
      tenantId: row['tenant_id'] as string,
      hostCt: row['host_ct'] as string,
    }));
  }

  override async release(handle: string): Promise<void> {
    await this.#affected(sql`UPDATE ${sessions} SET host_ct = NULL WHERE id = ${handle}`);
  }

  override async deleteEnded(retentionMs: number, limit: number): Promise<number> {
    const ended = sql`ended_at < ${now} - ${retentionMs} AND (host_ct IS NULL OR ended_at < ${now} - ${retentionMs + HOST_MS})`;
    const found = await this.database.rows(sql`SELECT id FROM ${sessions} WHERE ${ended} LIMIT ${limit}`);
    if (found.length === 0) return 0;
    return this.#affected(
      sql`DELETE FROM ${sessions} WHERE id IN (${list(found.map((row) => row['id']))}) AND ${ended}`,
    );
  }

  override async countLive(): Promise<number> {
    const [row] = await this.database.rows(sql`SELECT COUNT(*) AS count FROM ${sessions} WHERE ${LIVE}`);
    return Number(row!['count']);
  }

  /** Two replicas may lock rows in different orders; whom the database ends begins again. */
  async #affected(statement: Fragment): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.database.affected(statement);
      } catch (error) {
        if (attempt === ATTEMPTS || !isDeadlock(error)) throw error;
      }
    }
  }
}
