import {
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  ScopeNotGrantedError,
  type TokenError,
  TokenInputError,
} from './common/errors.js';
import type { TokenEvents } from './common/events.js';
import { DpopKey, type DpopPrivateKey } from './crypto/dpop-key.js';
import { Secret } from './common/secret.js';
import {
  isBound,
  IssuedAccessToken,
  type ResolvedTokenRef,
  type StoredToken,
  type TokenRef,
  type TokenSet,
} from './common/tokens.js';
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
import { freshness, millisecondsLeft } from './refresh/policy.js';
import { HELD } from './refresh/hold.js';
import { issuedFrom, refreshable } from './refresh/engine.js';
import { RefreshService } from './refresh/refresh.service.js';
import { waitFor } from './refresh/wait-for.js';
import { openCurrent } from './store/open-current.js';
import { type FullTokenRow, type ReadableTokenRow, type TokenFilter, TokenRows } from './store/token-rows.js';
import { TokenStore } from './store/token-store.js';
import type { SessionEndings } from './session-endings.js';
import { toStoredToken } from './stored-token.js';
import { TokenCache } from './token.cache.js';
import { assertId, resolveTokenRef } from './token-ref.js';
import { TokenWriter } from './token.writer.js';

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

const DEFAULT_MIN_TTL_SECONDS = 5;
const STORE_FIELDS = ['dpopKey'];
const PROOF_FIELDS = ['method', 'url', 'nonce'];
const METHOD = /^[A-Za-z]{1,32}$/;
const OWNER_FIELDS = ['userId', 'tenantId', 'provider'];
const REVOCATION_FIELDS = [...OWNER_FIELDS, 'sessionId'];
const FILTER_FIELDS = [...OWNER_FIELDS, 'account', 'status'];

/** Stores users' tokens and hands out valid ones. The one class that most applications need. */
export class TokenService {
  constructor(
    private readonly rows: TokenRows,
    private readonly store: TokenStore,
    private readonly writer: TokenWriter,
    private readonly refresher: RefreshService,
    private readonly providers: Providers,
    private readonly context: {
      cache: TokenCache | null;
      events: TokenEvents;
      clientTokens: ClientTokens;
      exchangedTokens: ExchangedTokens;
      endings: SessionEndings;
    },
  ) {}

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
      (row) => this.openSet(row),
    );
  }

  private async openSet(row: FullTokenRow | null): Promise<TokenSet | null> {
    if (!row || row.status === 'revoked') return null;
    const { accessToken, refreshToken, idToken } = await this.store.openAll({ ...row, dpopCt: null });
    if (accessToken === null) return null;
    return {
      accessToken: new Secret(accessToken),
      refreshToken: refreshToken === null ? null : new Secret(refreshToken),
      idToken: idToken === null ? null : new Secret(idToken),
      expiresAt: row.expiresAt === null ? null : new Date(row.expiresAt),
      tokenType: row.tokenType,
      scope: row.scope,
    };
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
      () => this.find(resolved, minTtlSeconds, options.forceRefresh ?? false),
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
      const subject = await this.find(resolved, minTtlSeconds, false);
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
    assertOptions(options, PROOF_FIELDS);
    const { method, nonce } = options;
    const key = token instanceof IssuedAccessToken ? IssuedAccessToken.dpopKeyOf(token) : null;
    if (key === null || !isBound(token))
      throw new TokenInputError(
        'token',
        'must be an access token whose tokenType is DPoP',
        'DPOP_KEY_MISSING',
      );
    if (typeof method !== 'string' || !METHOD.test(method))
      throw new TokenInputError('method', 'must be a method of HTTP, such as GET');
    if (!URL.canParse(String(options.url)))
      throw new TokenInputError('url', 'must be an absolute URL such as https://api.example.com/me');
    const url = new URL(options.url);
    if (nonce !== undefined && !this.providers.proofs.learn(url, nonce))
      throw new TokenInputError('nonce', 'must be what the server has sent as DPoP-Nonce');
    return this.providers.proofs.prove(DpopKey.parse(key), { method, url, accessToken: token.value });
  }

  /**
   * Forgets a user's tokens at once, then revokes them at the provider (RFC 7009). What the provider does not take now is
   * in the outbox and tried again. Does nothing where nothing is stored.
   */
  async revokeTokens(ref: TokenRef): Promise<void> {
    const resolved = resolveTokenRef(ref);
    await this.writer.revoker.revoke(resolved, (erased) => this.context.cache?.invalidate(erased));
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
    return this.writer.revoker.revokeAll(of, (erased) => this.context.cache?.invalidate(erased));
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

  private async find(
    ref: ResolvedTokenRef,
    minTtlSeconds: number,
    force: boolean | IssuedAccessToken,
  ): Promise<IssuedAccessToken> {
    const { cache, events } = this.context;
    const cached = force ? undefined : cache?.get(ref, minTtlSeconds * 1000);
    if (cached) {
      events.emit({ type: 'token_read', source: 'cache' });
      return cached;
    }
    const begun = cache?.begin() ?? null;
    return openCurrent(
      async () => refreshable(await this.rows.find(ref), ref),
      (row) => this.useRow(row, ref, minTtlSeconds, force, begun),
    );
  }

  private async useRow(
    row: ReadableTokenRow,
    ref: ResolvedTokenRef,
    minTtlSeconds: number,
    force: boolean | IssuedAccessToken,
    begun: ReturnType<TokenCache['begin']> | null,
  ): Promise<IssuedAccessToken> {
    const { cache, events } = this.context;
    // Where nobody can get a newer one now, it serves to its end.
    const usable = this.refresher.isHeldUp(ref.provider) ? { ...row, hasRefreshToken: false } : row;
    const state = freshness(usable, minTtlSeconds);
    const seen = force instanceof IssuedAccessToken ? IssuedAccessToken.generationOf(force) : row.generation;
    const refused = force === true || (force !== false && seen >= row.generation);
    if (refused || state === 'stale') {
      try {
        const newer = await this.refresh(Math.max(seen, state === 'stale' ? row.generation : 0), ref);
        events.emit({ type: 'token_read', source: 'refresh' });
        return newer;
      } catch (error) {
        if (refused || !isAboutNow(error)) throw error;
        return await this.stillValid(row, ref, error);
      }
    }
    // Still valid: nobody waits. Whatever goes wrong is in the events, and the next call asks again.
    if (state === 'due') this.refresh(row.generation, ref).catch(() => undefined);
    const token = issuedFrom(row, await this.store.openAccess({ ...row, tenantId: ref.tenantId }));
    const msToDue = row.refreshAfter === null ? null : row.refreshAfter - row.now;
    if (state === 'fresh' && begun !== null)
      cache?.set(ref, token, { id: row.id, msLeft: millisecondsLeft(row), msToDue }, begun);
    events.emit({ type: 'token_read', source: 'database' });
    return token;
  }

  /** The token that nobody could refresh, if it has not expired by now. @throws `failure` otherwise */
  private async stillValid(
    before: ReadableTokenRow,
    ref: ResolvedTokenRef,
    failure: TokenError,
  ): Promise<IssuedAccessToken> {
    // Of one that had expired before there is nothing to look for: an outage must not double the reads.
    if (!isValid(before)) throw failure;
    const token = await openCurrent(
      async () => refreshable(await this.rows.find(ref), ref),
      async (row) => {
        if (!isValid(row)) throw failure;
        return issuedFrom(row, await this.store.openAccess({ ...row, tenantId: ref.tenantId }));
      },
    );
    this.context.events.emit({ type: 'token_read', source: 'database' });
    return token;
  }

  private async refresh(seen: number, ref: ResolvedTokenRef): Promise<IssuedAccessToken> {
    try {
      return await this.refresher.newerThan(seen, ref);
    } finally {
      this.context.cache?.invalidate(ref);
    }
  }
}

/** @throws TokenInputError for a filter without any field, or with one that would be passed over */
function assertFilter(filter: object, known: readonly string[]): void {
  const fields = Object.entries(filter ?? {}).filter(([, value]) => value !== undefined);
  if (fields.length === 0)
    throw new TokenInputError('filter', `must name at least one of ${known.join(', ')}`);
  for (const [field, value] of fields) {
    if (!known.includes(field))
      throw new TokenInputError(`filter.${field}`, `is not a field; known: ${known.join(', ')}`);
    assertId(`filter.${field}`, value);
  }
}

const isValid = (row: ReadableTokenRow): boolean => row.accessCt !== null && (millisecondsLeft(row) ?? 1) > 0;

/** Nobody can get a newer token now, which says nothing against the one that is stored. */
const isAboutNow = (error: unknown): error is TokenError =>
  error instanceof ProviderUnavailableError ||
  (error instanceof ReauthorizationRequiredError && error.reason === HELD);

function minTtl(seconds: number | undefined): number {
  if (seconds === undefined) return DEFAULT_MIN_TTL_SECONDS;
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= 86_400))
    throw new TokenInputError('minTtlSeconds', 'must be a number from 0 to 86400');
  return seconds;
}

/** @throws ScopeNotGrantedError */
function assertScope(provider: string, granted: string | null, asked: string | undefined): void {
  const have = new Set(granted?.split(' ') ?? []);
  const missing = (asked ?? '').split(/\s+/).filter((value) => value !== '' && !have.has(value));
  if (missing.length > 0) throw new ScopeNotGrantedError(provider, missing);
}
