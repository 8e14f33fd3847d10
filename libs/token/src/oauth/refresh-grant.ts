import { refreshTokenGrantRequest } from 'oauth4webapi';
import type { DpopKey } from '../crypto/dpop-key.js';
import type { Classification } from './classification.js';
import type { Provider } from './providers.js';
import { sendGrant } from './token-grant.js';

/** How the presentation of a refresh token ended (RFC 6749 §6). */
export type Exchange = Classification;

/**
 * Presents a refresh token once, as `sendGrant` does it: ID token, lifetime and scope of the answer are still to be
 * judged. Null, and nothing is presented, when `mayPresent` says no. Never throws.
 */
export const exchangeRefreshToken = (
  provider: Provider,
  refreshToken: string,
  key: DpopKey | null,
  mayPresent: () => boolean,
): Promise<Exchange | null> =>
  sendGrant(
    provider,
    key,
    (server, client, authentication, options) =>
      refreshTokenGrantRequest(server, client, authentication, refreshToken, options),
    { maySend: mayPresent },
  );
