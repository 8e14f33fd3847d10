import type { Provider } from '../oauth/providers.js';
import type { FullTokenRow } from '../store/token-rows.js';

/** What becomes of refresh tokens that are older than a restored backup or a failover. */
export type AfterRestore = 'hold' | 'present';

/** The reason of a call that fails because of it. */
export const HELD = 'held_after_restore';

/** Whether refresh tokens of this provider may be stale after a restore: not where they go on working. */
export const mayBeStale = ({ profile }: Pick<Provider, 'profile'>): boolean =>
  profile.rotatesRefreshTokens !== false;

/**
 * The provider may have replaced this refresh token since: to present it again could cost the user the whole grant. A new
 * log-in is newer, and free.
 */
export const isHeld = ({
  refreshedAt,
  lineage: { heldBefore },
}: Pick<FullTokenRow, 'refreshedAt' | 'lineage'>): boolean => heldBefore !== null && refreshedAt < heldBefore;
