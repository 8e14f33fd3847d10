import { DecryptionError, TokenError, TokenInputError } from './common/errors.js';
import type { TokenEvents } from './common/events.js';
import type { ResolvedTokenRef } from './common/tokens.js';
import { randomFraction, randomId } from './crypto/random.js';
import { idTokenFault } from './oauth/id-token.js';
import { lifetimeSeconds } from './oauth/lifetime.js';
import type { Provider } from './oauth/providers.js';
import { revokeAtProvider } from './oauth/revocation.js';
import type { ReceivedTokens } from './oauth/token-response.js';
import { refreshInMs } from './refresh/policy.js';
import type { ResolvedRefreshOptions } from './refresh/refresh.options.js';
import { type FullTokenRow, TokenRows, type TokenWrite } from './store/token-rows.js';
import { type OpenedTokens, TokenStore } from './store/token-store.js';

const ATTEMPTS = 10;
const NOTHING: OpenedTokens = { accessToken: null, refreshToken: null, idToken: null };

/** Writes what a log-in brought, and erases what a log-out ends. Every write is conditional on the row as it was read. */
export class TokenWriter {
  constructor(
    private readonly rows: TokenRows,
    private readonly store: TokenStore,
    private readonly events: TokenEvents,
    private readonly options: ResolvedRefreshOptions,
  ) {}

  /** @throws TokenInputError when the ID token is not this client's or belongs to another user; nothing is stored then */
  async write(ref: ResolvedTokenRef, received: ReceivedTokens, provider: Provider): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const row = await this.rows.findFull(ref);
      const before = row === null ? NOTHING : await this.openForReplacement(row);
      const fault =
        received.idToken === null ? null : idTokenFault(received.idToken, provider.options, before.idToken);
      if (fault !== null) throw new TokenInputError('id_token', fault, 'ID_TOKEN_REJECTED');
      const id = row?.id ?? randomId();
      // Many providers send a refresh token at the first consent only: a later log-in without one keeps it.
      const kept = row?.status === 'active' ? before.refreshToken : null;
      const tokens = {
        accessToken: received.accessToken,
        refreshToken: received.refreshToken ?? kept,
        idToken: received.idToken,
      };
      const lifetime = lifetimeSeconds(
        received,
        row?.lifetimeSeconds ?? null,
        provider.options.defaultLifetimeSeconds ?? null,
      );
      const expiresInMs = lifetime === null ? null : lifetime * 1000;
      const rest = {
        tokenType: received.tokenType,
        scope: received.scope ?? provider.options.scope ?? null,
        lifetimeSeconds: lifetime,
        expiresInMs,
        refreshInMs: refreshInMs(expiresInMs, this.options.beforeExpirySeconds, randomFraction()),
      };
      const stored = await this.store.sealAndWrite({ tenantId: ref.tenantId, id }, tokens, (cells) => {
        const write: TokenWrite = { ...cells, ...rest };
        return row === null ? this.rows.insert(id, ref, write) : this.rows.replace(id, row.generation, write);
      });
      if (stored) {
        this.events.emit({
          type: 'token_stored',
          provider: ref.provider,
          recordId: id,
          generation: (row?.generation ?? 0) + 1,
        });
        return;
      }
    }
    throw new TokenError(
      'WRITE_CONFLICT',
      'The token set kept changing while it was being stored; nothing was stored. Try again.',
    );
  }

  /** Local at once; then once at the provider, whose failure is reported but does not undo the log-out. */
  async revoke(ref: ResolvedTokenRef, provider: Provider, erased: () => void): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const row = await this.rows.findFull(ref);
      if (row === null || row.status === 'revoked') return;
      const opened = await this.openForRevocation(row);
      if (await this.rows.revoke(row.id, row.generation)) {
        erased();
        this.events.emit({ type: 'token_revoked', provider: ref.provider, recordId: row.id });
        const token = opened.refreshToken ?? opened.accessToken;
        const failure = token === null ? 'token_unreadable' : await revokeAtProvider(provider, token);
        if (failure)
          this.events.emit({
            type: 'revocation_failed',
            provider: ref.provider,
            recordId: row.id,
            reason: failure,
          });
        return;
      }
    }
    throw new TokenError(
      'WRITE_CONFLICT',
      'The token set kept changing while it was being revoked. Try again.',
    );
  }

  /** A full new token set may replace a row that cannot be decrypted; a key that is merely away is no reason to. */
  private async openForReplacement(row: FullTokenRow): Promise<OpenedTokens> {
    try {
      return await this.store.openAll(row);
    } catch (error) {
      if (error instanceof DecryptionError) return NOTHING;
      throw error;
    }
  }

  /** A log-out must work even where the keys do not. */
  private async openForRevocation(row: FullTokenRow): Promise<OpenedTokens> {
    try {
      return await this.store.openAll(row);
    } catch (error) {
      if (error instanceof TokenError) return NOTHING;
      throw error;
    }
  }
}
