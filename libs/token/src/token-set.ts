import { Secret } from './common/secret.js';
import type { TokenSet } from './common/tokens.js';
import type { FullTokenRow } from './store/token-rows.js';
import type { TokenStore } from './store/token-store.js';

const secret = (value: string | null): Secret | null => (value === null ? null : new Secret(value));

/** What a row holds, opened; null where it was revoked, or was not found. */
export async function openTokenSet(row: FullTokenRow | null, store: TokenStore): Promise<TokenSet | null> {
  if (!row || row.status === 'revoked') return null;
  const { accessToken, refreshToken, idToken } = await store.openAll({ ...row, dpopCt: null });
  if (accessToken === null) return null;
  return {
    accessToken: new Secret(accessToken),
    refreshToken: secret(refreshToken),
    idToken: secret(idToken),
    expiresAt: row.expiresAt === null ? null : new Date(row.expiresAt),
    tokenType: row.tokenType,
    scope: row.scope,
  };
}
