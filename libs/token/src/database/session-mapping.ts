import type { SessionFilter, SessionRow } from '../store/session-rows.js';
import { type Fragment, join, now, sessions, sql, tokens } from './sql.js';

/** A replica of an older version ends tokens without counting it: hence the status. */
const TOKENS_LIVE = sql`(token_id IS NULL OR EXISTS (SELECT 1 FROM ${tokens}
  WHERE ${tokens}.id = token_id AND ${tokens}.ends = token_ends AND ${tokens}.status = 'active'))`;

/** Neither ended nor over by time. */
const UNENDED = sql`ended_at IS NULL AND idle_expires_at > ${now} AND expires_at > ${now}`;

/** What makes a session live. */
export const LIVE = sql`${UNENDED} AND ${TOKENS_LIVE}`;

/** Of a row of tokens: whether a session hangs on it that is not over. */
export const SESSION_HANGS_ON_IT = sql`EXISTS (SELECT 1 FROM ${sessions}
  WHERE token_id = ${tokens}.id AND token_ends = ${tokens}.ends AND ${UNENDED})`;

/** Why one is over that nobody has ended. */
export const WHY_OVER = sql`CASE WHEN expires_at <= ${now} THEN 'expired' WHEN idle_expires_at <= ${now} THEN 'idle' ELSE 'tokens_ended' END`;

/** Columns of a `SessionRow`. */
export const SESSION = sql`id, tenant_id, user_id, provider, account, subject, sid, attributes_ct, host_ct, user_agent, token_id,
  created_at, last_seen_at, idle_expires_at, expires_at, ${now} AS read_at`;

export function toSessionRow(row: Record<string, unknown>): SessionRow {
  const text = (name: string): string => row[name] as string;
  const optional = (name: string): string | null => row[name] as string | null;
  // Drivers hand out 64-bit integers as strings; epoch milliseconds fit a number.
  const instant = (name: string): number => Number(row[name]);
  return {
    handle: text('id'),
    tenantId: text('tenant_id'),
    userId: text('user_id'),
    login:
      row['provider'] === null
        ? null
        : {
            provider: text('provider'),
            account: text('account'),
            subject: optional('subject'),
            sid: optional('sid'),
          },
    attributesCt: text('attributes_ct'),
    userAgent: optional('user_agent'),
    createdAt: instant('created_at'),
    lastSeenAt: instant('last_seen_at'),
    idleExpiresAt: instant('idle_expires_at'),
    expiresAt: instant('expires_at'),
    tokenId: optional('token_id'),
    hostCt: optional('host_ct'),
    now: instant('read_at'),
  };
}

const COLUMNS: Record<keyof SessionFilter, Fragment> = {
  idHash: sql`id_hash = `,
  handle: sql`id = `,
  exceptHandle: sql`id <> `,
  userId: sql`user_id = `,
  tenantId: sql`tenant_id = `,
  provider: sql`provider = `,
  subject: sql`subject = `,
  sid: sql`sid = `,
  tokenId: sql`token_id = `,
};

export function matching(filter: SessionFilter): Fragment {
  const given = (Object.keys(COLUMNS) as (keyof SessionFilter)[]).filter(
    (name) => filter[name] !== undefined,
  );
  return join(
    given.map((name) => sql`${COLUMNS[name]}${filter[name]}`),
    ' AND ',
  );
}
