import type { IssuedAccessToken } from './common/tokens.js';
import type { DpopPrivateKey } from './crypto/dpop-key.js';
import type { TokenFilter } from './store/token-rows.js';

export interface GetAccessTokenOptions {
  /** The token must stay valid for at least this long; counts up to half of its lifetime. 0 to 86400. Default 5. */
  minTtlSeconds?: number;
  /** `true`: a newer token than the stored one. A token that an API has refused: a newer one than that, if there is none yet. */
  forceRefresh?: boolean | IssuedAccessToken;
  /** Scope values, separated by spaces, that the grant must cover. */
  scope?: string;
  /** Ends the waiting, never a refresh that has begun. */
  signal?: AbortSignal;
}

export interface StoreTokensOptions {
  /** The private key that the log-in has proven (DPoP, RFC 9449), for a provider with `dpop: true`; sealed with the tokens. */
  dpopKey?: DpopPrivateKey;
}

/** What `revokeAll` ends: what matches all fields that are given. */
export interface RevocationFilter extends Pick<TokenFilter, 'userId' | 'tenantId' | 'provider'> {
  /** The `handle` of a session: it ends, and with it the tokens that no other live session hangs on. */
  sessionId?: string;
}

export interface DpopProofOptions {
  /** Method of the request that the proof is for. */
  method: string;
  /** Absolute URL of that request. Query and fragment do not count. */
  url: string | URL;
  /** `DPoP-Nonce` of that server's last answer, where it has sent one; remembered for its origin. */
  nonce?: string;
}
