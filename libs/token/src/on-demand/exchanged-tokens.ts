import { IssuedAccessToken, type ResolvedTokenRef } from '../common/tokens.js';
import { DpopKey } from '../crypto/dpop-key.js';
import { lookupHash } from '../crypto/lookup-hash.js';
import type { Provider } from '../oauth/providers.js';
import { exchangeSubjectToken, type RequestedTokenType } from '../oauth/token-exchange.js';
import type { RequestedToken, TokenTarget } from '../oauth/token-request.js';
import { refreshable } from '../refresh/engine.js';
import type { TokenRows } from '../store/token-rows.js';
import { assertGranted } from './granted-scope.js';
import type { Issued, TokenMemory, Wanted } from './token-memory.js';

/** Whose token is exchanged, and for what. */
export interface ExchangeRequest {
  ref: ResolvedTokenRef;
  /** The user's access token, valid now: what the provider judges the user by. */
  subject: IssuedAccessToken;
  requestedType: RequestedTokenType;
  target: TokenTarget;
}

/** Tokens that users' access tokens were exchanged for; each belongs to the one token that it came from. */
export class ExchangedTokens {
  constructor(
    private readonly memory: TokenMemory,
    private readonly rows: TokenRows,
  ) {}

  /** @throws TokenNotFoundError after a log-out meanwhile · ProviderUnavailableError · TokenRequestRejectedError · ScopeNotGrantedError */
  async get(
    provider: Provider,
    request: ExchangeRequest,
    freshness: Pick<Wanted, 'minTtlSeconds' | 'forceRefresh'>,
  ): Promise<IssuedAccessToken> {
    const { subject, requestedType, target } = request;
    // The key of the subject token where there is one: it shows that this token is not somebody else's.
    const own = IssuedAccessToken.dpopKeyOf(subject);
    const dpopKey = provider.dpopKey && own !== null ? DpopKey.parse(own) : provider.dpopKey;
    const token = await this.memory.get(
      { key: this.keyOf(provider, request), provider: provider.name, ...freshness },
      () => exchangeSubjectToken(provider, dpopKey, subject.value, requestedType, target),
      (requested, leftMs) => this.issue(requested, leftMs, request, dpopKey),
    );
    return assertGranted(provider.name, token, target.scopes);
  }

  /** The subject token itself is part of it: generations begin at 1 again when a row was deleted after a log-out. */
  private keyOf(provider: Provider, { ref, subject, requestedType, target }: ExchangeRequest): string {
    return lookupHash([
      this.memory.grant,
      provider.name,
      provider.options.clientId,
      ref.tenantId,
      ref.userId,
      ref.account,
      String(IssuedAccessToken.generationOf(subject)),
      subject.value,
      requestedType,
      lookupHash(target.scopes),
      lookupHash(target.resources),
      lookupHash(target.audiences),
    ]);
  }

  private async issue(
    { accessToken, tokenType, scope }: RequestedToken,
    ownMs: number | null,
    { ref, subject, target }: ExchangeRequest,
    dpopKey: DpopKey | null,
  ): Promise<Issued> {
    // A log-out during the exchange: what it brought belongs to nobody.
    const { now } = refreshable(await this.rows.find(ref), ref);
    const subjectMs = subject.expiresAt === null ? Infinity : Math.max(0, subject.expiresAt.getTime() - now);
    const leftMs = ownMs === null ? null : Math.min(ownMs, subjectMs);
    const fields = {
      expiresAt: leftMs === null ? null : new Date(Math.round(now + leftMs)),
      tokenType,
      scope: scope ?? (target.scopes.join(' ') || null),
    };
    const token = new IssuedAccessToken(
      accessToken,
      fields,
      IssuedAccessToken.generationOf(subject),
      dpopKey?.text,
    );
    return { token, leftMs, holdMs: subjectMs };
  }
}
