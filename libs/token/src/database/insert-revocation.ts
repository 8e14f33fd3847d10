import type { NewRevocation } from '../store/revocation-rows.js';
import { type Fragment, fromNow, now, revocations, sql } from './sql.js';

/** Part of the transaction of a log-out, or a statement of its own. */
export const insertRevocation = (entry: NewRevocation): Fragment => sql`INSERT INTO ${revocations}
    (id, tenant_id, provider, record_id, token_ct, created_at, retry_after, attempts)
  VALUES (${entry.id}, ${entry.tenantId}, ${entry.provider}, ${entry.recordId}, ${entry.tokenCt}, ${now}, ${fromNow(entry.dueInMs)}, ${entry.attempts})`;
