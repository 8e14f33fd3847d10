import { AccessTokens } from './access-tokens.js';
import type { TokenEvents } from './common/events.js';
import type {
  IssuedAccessToken,
  ResolvedTokenRef,
  StoredToken,
  TokenRef,
  TokenSet,
} from './common/tokens.js';
import { dpopProof } from './dpop-proof.js';
import { keyOfLogIn } from './oauth/log-in-key.js';
import { Providers } from './oauth/providers.js';
import { parseTokenResponse, type TokenResponse } from './oauth/token-response.js';
import type { ClientTokens } from './on-demand/client-tokens.js';
import type { ExchangedTokens } from './on-demand/exchanged-tokens.js';
import {
  assertOptions,
  CLIENT_FIELDS,
  type ClientTokenOptions,
  EXCHANGE_FIELDS,
  type ExchangeTokenOptions,
  requestedTypeOf,
  targetOf,
} from './on-demand/request-options.js';
import { refreshable } from './refresh/engine.js';
import { RefreshService } from './refresh/refresh.service.js';
import { waitFor } from './refresh/wait-for.js';
import type { SessionEndings } from './session-endings.js';
import { openCurrent } from './store/open-current.js';
import { type TokenFilter, TokenRows } from './store/token-rows.js';
import { TokenStore } from './store/token-store.js';
import { toStoredToken } from './stored-token.js';
import { assertId, resolveTokenRef } from './token-ref.js';
import { openTokenSet } from './token-set.js';
import { TokenCache } from './token.cache.js';
import type {
  DpopProofOptions,
  GetAccessTokenOptions,
  RevocationFilter,
  StoreTokensOptions,
} from './token.service.types.js';
import {
  assertFilter,
  assertScope,
  FILTER_FIELDS,
  minTtl,
  REVOCATION_FIELDS,
  STORE_FIELDS,
} from './token.service.validation.js';
import type { TokenRevoker } from './token.revoker.js';
import { TokenWriter } from './token.writer.js';

/** Stores users' tokens and hands out valid ones. The one class that most applications need. */
export class TokenService {
  private readonly accessTokens: AccessTokens;

  constructor(
    private readonly rows: TokenRows,
    private readonly store: TokenStore,
    private readonly writer: TokenWriter,
    refresher: RefreshService,
    private readonly providers: Providers,
    private readonly context: {
      cache: TokenCache | null;
      events: TokenEvents;
      clientTokens: ClientTokens;
      exchangedTokens: ExchangedTokens;
      endings: SessionEndings;
      revoker: TokenRevoker;
    },
  ) {
    this.accessTokens = new AccessTokens(rows, store, refresher, context.cache, context.events);
  }

  /**
   * Stores a token response for a user, encrypted; replaces what was stored. A missing refresh token keeps the one of a
   * live grant. The ID token, if there is one, must be this client's and the same user's as before. Tokens that are bound
   * to a key (DPoP) come with it.
   * @throws TokenInputError naming the field, before anything is stored
   */
  async storeTokens(
    ref: TokenRef,
    tokens: TokenResponse,
    options: StoreTokensOptions = {},
  ): Promise<StoredToken> {
    const resolved = resolveTokenRef(ref);
    const provider = this.providers.get(resolved.provider);
    assertOptions(options, STORE_FIELDS);
    const received = parseTokenResponse(provider.standardShape(tokens));
    const key = keyOfLogIn(provider, received.tokenType, options.dpopKey);
    await this.writer.write(resolved, received, provider, key?.text ?? null);
    this.context.cache?.invalidate(resolved);
    return toStoredToken(refreshable(await this.rows.findFull(resolved), resolved));
  }

  /** Everything that is stored, opened, as it is: no refresh. Null when there is nothing or it was revoked. @throws DecryptionError | KeyUnavailableError */
  async getTokens(ref: TokenRef): Promise<TokenSet | null> {
    const resolved = this.resolve(ref);
    return openCurrent(
      () => this.rows.findFull(resolved),
      (row) => openTokenSet(row, this.store),
    );
  }

  /**
   * A valid access token: the stored one while it is, else a refreshed one. However many callers and replicas ask, the
   * refresh token is presented once.
   * @throws TokenNotFoundError nothing is stored · ReauthorizationRequiredError only the user can help ·
   * ScopeNotGrantedError · ProviderUnavailableError try again later · DecryptionError · KeyUnavailableError · TokenInputError
   */
  async getAccessToken(ref: TokenRef, options: GetAccessTokenOptions = {}): Promise<IssuedAccessToken> {
    const resolved = this.resolve(ref);
    const minTtlSeconds = minTtl(options.minTtlSeconds);
    const token = await waitFor(
      () => this.accessTokens.find(resolved, minTtlSeconds, options.forceRefresh ?? false),
      options.signal,
    );
    assertScope(resolved.provider, token.scope, options.scope);
    return token;
  }

  /** A newer access token than the stored one. Concurrent calls share one exchange. @throws as `getAccessToken` */
  async refreshTokens(ref: TokenRef): Promise<IssuedAccessToken> {
    return this.getAccessToken(ref, { forceRefresh: true });
  }

  /**
   * A valid token of the application itself (client credentials, RFC 6749 §4.4), for machine-to-machine calls. Kept in
   * memory while it is valid; concurrent calls for the same token share one request.
   * @throws ProviderUnavailableError try again later · TokenRequestRejectedError · ScopeNotGrantedError · TokenInputError
   */
  async getClientToken(provider: string, options: ClientTokenOptions = {}): Promise<IssuedAccessToken> {
    assertId('provider', provider);
    const configured = this.providers.get(provider);
    assertOptions(options, CLIENT_FIELDS);
    const { tenantId = 'default', forceRefresh = false, signal } = options;
    assertId('tenantId', tenantId);
    const target = targetOf(options);
    const wanted = { minTtlSeconds: minTtl(options.minTtlSeconds), forceRefresh };
    return waitFor(() => this.context.clientTokens.get(configured, tenantId, target, wanted), signal);
  }

  /**
   * Exchanges a user's valid access token for one that is meant for another audience, resource or scope (RFC 8693). Kept
   * in memory for as long as both are valid; a refresh or a log-out of the user ends that.
   * @throws as `getAccessToken` · TokenRequestRejectedError
   */
  async exchangeToken(ref: TokenRef, options: ExchangeTokenOptions): Promise<IssuedAccessToken> {
    const resolved = this.resolve(ref);
    assertOptions(options, EXCHANGE_FIELDS);
    const { forceRefresh = false, signal } = options;
    const target = targetOf(options);
    const requestedType = requestedTypeOf(options.requestedTokenType);
    const minTtlSeconds = minTtl(options.minTtlSeconds);
    return waitFor(async () => {
      const subject = await this.accessTokens.find(resolved, minTtlSeconds, false);
      return this.context.exchangedTokens.get(
        this.providers.get(resolved.provider),
        { ref: resolved, subject, requestedType, target },
        { minTtlSeconds, forceRefresh },
      );
    }, signal);
  }

  /**
   * The `DPoP` header (RFC 9449 §4) for one request that your own code sends a token of type `DPoP` with, as
   * `Authorization: DPoP …`. Each request needs a proof of its own, also a repetition. `TokenHttpService` makes its own.
   * @throws TokenInputError, also for a token that is not bound to a key
   */
  dpopProof(token: IssuedAccessToken, options: DpopProofOptions): string {
    return dpopProof(this.providers.proofs, token, options);
  }

  /**
   * Forgets a user's tokens at once, then revokes them at the provider (RFC 7009). What the provider does not take now is
   * in the outbox and tried again. Does nothing where nothing is stored.
   */
  async revokeTokens(ref: TokenRef): Promise<void> {
    const resolved = resolveTokenRef(ref);
    await this.context.revoker.revoke(resolved, (erased) => this.context.cache?.invalidate(erased));
  }

  /**
   * The same for everything that matches all given fields; how many token sets. The providers are asked by the scheduled
   * job. What is stored while it runs may stay. If it fails, what it has revoked stays revoked: repeat it.
   * @throws TokenInputError for a filter without any field
   */
  async revokeAll(filter: RevocationFilter): Promise<number> {
    assertFilter(filter, REVOCATION_FIELDS);
    const { sessionId, ...fields } = filter;
    const of =
      sessionId === undefined
        ? fields
        : await this.context.endings.endForTokens({ ...fields, handle: sessionId });
    if (of === null) return 0;
    return this.context.revoker.revokeAll(of, (erased) => this.context.cache?.invalidate(erased));
  }

  /** What is stored, without secrets, oldest first. @throws TokenInputError for a filter without any field */
  async listTokens(filter: TokenFilter): Promise<StoredToken[]> {
    assertFilter(filter, FILTER_FIELDS);
    return (await this.rows.list(filter)).map(toStoredToken);
  }

  private resolve(ref: TokenRef): ResolvedTokenRef {
    const resolved = resolveTokenRef(ref);
    this.providers.get(resolved.provider);
    return resolved;
  }
}
