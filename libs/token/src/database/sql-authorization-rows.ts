import {
  type AuthorizationLimits,
  AuthorizationRows,
  type Exceeded,
  type NewAuthorization,
  type TakenAuthorization,
} from '../store/authorization-rows.js';
import type { Database } from './database.js';
import { deleteExpired } from './delete-expired.js';
import { authorizations, type Fragment, fromNow, now, sql } from './sql.js';

export class SqlAuthorizationRows extends AuthorizationRows {
  constructor(private readonly database: Database) {
    super();
  }

  override async insert(row: NewAuthorization, limits: AuthorizationLimits): Promise<Exceeded | null> {
    const [found] = await this.database.rows(
      sql`SELECT (${this.#open(limits.perBrowser, sql`AND browser_hash = ${row.browserHash}`)}) AS browser,
        (${this.#open(limits.inAll)}) AS everybody`,
    );
    // Requests at the same moment may exceed a bound by their number: it bounds the table, it is no lock.
    if (Number(found!['browser']) >= limits.perBrowser) return 'browser';
    if (Number(found!['everybody']) >= limits.inAll) return 'all';
    await this.database.affectedAlone(
      sql`INSERT INTO ${authorizations} (id, browser_hash, provider, details_ct, expires_at)
        VALUES (${row.id}, ${row.browserHash}, ${row.provider}, ${row.detailsCt}, ${fromNow(row.expiresInMs)})`,
    );
    return null;
  }

  /** Counts to the bound and no further. */
  #open(limit: number, which: Fragment = sql``): Fragment {
    return sql`SELECT COUNT(*) FROM (SELECT 1 FROM ${authorizations} WHERE expires_at > ${now} ${which} LIMIT ${limit}) counted`;
  }

  override async take({
    id,
    browserHash,
    provider,
  }: Pick<NewAuthorization, 'id' | 'browserHash' | 'provider'>): Promise<TakenAuthorization | null> {
    const mine = sql`id = ${id} AND browser_hash = ${browserHash} AND provider = ${provider} AND expires_at > ${now}`;
    const [row] = await this.database.rows(
      sql`SELECT details_ct, ${now} AS now,
        (${this.#open(2, sql`AND browser_hash = ${browserHash}`)}) AS mine
        FROM ${authorizations} WHERE ${mine}`,
    );
    if (!row) return null;
    // Of several who have read it, it belongs to the one who has deleted it.
    const deleted = await this.database.affected(sql`DELETE FROM ${authorizations} WHERE ${mine}`);
    if (deleted === 0) return null;
    return {
      detailsCt: row['details_ct'] as string,
      now: Number(row['now']),
      hasOthers: Number(row['mine']) > 1,
    };
  }

  override deleteExpired(limit: number): Promise<number> {
    return deleteExpired(this.database, authorizations, limit);
  }
}
