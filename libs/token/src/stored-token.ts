import type { StoredToken } from './common/tokens.js';
import type { TokenRow } from './store/token-rows.js';

const instant = (milliseconds: number | null): Date | null =>
  milliseconds === null ? null : new Date(milliseconds);

/** What may be told of a row. */
export function toStoredToken(row: TokenRow): StoredToken {
  return {
    userId: row.userId,
    tenantId: row.tenantId,
    provider: row.provider,
    account: row.account,
    status: row.status,
    generation: row.generation,
    tokenType: row.tokenType,
    scope: row.scope,
    expiresAt: instant(row.expiresAt),
    refreshAfter: row.hasRefreshToken ? instant(row.refreshAfter) : null,
    refreshedAt: new Date(row.refreshedAt),
    createdAt: new Date(row.createdAt),
    updatedAt: new Date(row.updatedAt),
    hasRefreshToken: row.hasRefreshToken,
    hasIdToken: row.hasIdToken,
    lastFailure: row.lastFailure,
  };
}
