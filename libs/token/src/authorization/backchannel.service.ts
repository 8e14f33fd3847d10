import type { TokenEvents } from '../common/events.js';
import { lookupHash } from '../crypto/lookup-hash.js';
import { type LogoutToken, readLogoutToken } from '../oauth/logout-token.js';
import type { Providers } from '../oauth/providers.js';
import type { SessionService } from '../session/session.service.js';
import type { LogoutTokenRows } from '../store/authorization-rows.js';
import type { SessionRow, SessionRows } from '../store/session-rows.js';
import type { TokenService } from '../token.service.js';

const CLEANED = 20;

/** Why a log-out of the provider was not carried out, in words for its operator. */
export class LogoutRefused extends Error {}

/** Log-outs that a provider announces by itself (OpenID Connect Back-Channel Logout 1.0). */
export class BackchannelService {
  constructor(
    private readonly parts: {
      providers: Providers;
      sessions: SessionService;
      sessionRows: SessionRows;
      tokens: TokenService;
      used: LogoutTokenRows;
      events: TokenEvents;
    },
  ) {}

  /** Ends the sessions that the token names; how many. @throws LogoutRefused; nothing was ended then */
  async logOut(name: string, token: unknown): Promise<number> {
    const { providers, used, events } = this.parts;
    const provider = providers.find(name);
    if (!provider) throw new LogoutRefused('the provider is not configured');
    const read = await readLogoutToken(provider, token, () => used.now());
    if ('fault' in read) {
      const outcome = read.unavailable ? 'failed' : 'refused';
      events.emit({ type: 'logout_token', provider: name, outcome, reason: read.fault });
      throw new LogoutRefused(`logout_token ${read.fault}`);
    }
    const id = lookupHash(['logout token', name, read.jti]);
    if (!(await used.remember(id, read.refusedFrom))) {
      events.emit({ type: 'logout_token', provider: name, outcome: 'refused', reason: 'was used before' });
      throw new LogoutRefused('logout_token was used before');
    }
    try {
      const ended = await this.end(name, read);
      events.emit({ type: 'logout_token', provider: name, outcome: 'accepted', ended });
      await used.deleteExpired(CLEANED).catch(() => undefined);
      return ended;
    } catch (error) {
      events.emit({ type: 'logout_token', provider: name, outcome: 'failed', reason: (error as Error).name });
      // The provider may send the same one again.
      await used.forget(id).catch(() => undefined);
      throw error;
    }
  }

  private async end(provider: string, { subject, sid }: LogoutToken): Promise<number> {
    const { sessionRows, sessions } = this.parts;
    const filter = { provider, ...(subject !== null && { subject }), ...(sid !== null && { sid }) };
    const found = await sessionRows.list(filter);
    // Before they end: where this fails, they are found when the same token comes again. The others end now.
    const revoked = await Promise.allSettled(found.map((row) => this.revokeUnlessOffline(row, found)));
    const failure = revoked.find((one) => one.status === 'rejected');
    if (failure) {
      for (const [index, row] of found.entries())
        if (revoked[index]!.status === 'fulfilled') await sessions.endByHandle(row);
      throw failure.reason;
    }
    await sessions.endAll(filter);
    return found.length;
  }

  /** Tokens for when the user is away outlive the session (§2.7), and those that the user's other devices hang on. */
  private async revokeUnlessOffline(
    { handle, tenantId, userId, login, tokenId }: SessionRow,
    ending: readonly SessionRow[],
  ): Promise<void> {
    const { sessionRows, tokens } = this.parts;
    if (tokenId === null) return;
    const ref = { tenantId, userId, provider: login!.provider, account: login!.account };
    const [stored] = await tokens.listTokens(ref);
    if (stored?.status !== 'active' || stored.scope?.split(' ').includes('offline_access')) return;
    const hanging = await sessionRows.list({ tokenId });
    const areEnding = hanging.every((one) => ending.some((row) => row.handle === one.handle));
    if (hanging.length > 0 && areEnding) await tokens.revokeTokens(ref);
    // The others may be about to end as well: whichever is the last takes the tokens along.
    else await tokens.revokeAll({ sessionId: handle });
  }
}
