import type { TokenEvents } from '../common/events.js';
import { Secret } from '../common/secret.js';
import type { StoredToken } from '../common/tokens.js';
import { DpopKey } from '../crypto/dpop-key.js';
import { isFailure } from '../oauth/authorization-request.js';
import { exchangeCode } from '../oauth/code-exchange.js';
import { type Claims, identityIn } from '../oauth/identity.js';
import type { Provider } from '../oauth/providers.js';
import { parseTokenResponse, type TokenResponse } from '../oauth/token-response.js';
import type { Session } from '../session/session.types.js';
import type { TokenService } from '../token.service.js';
import type { AuthorizedUser } from './authorization.options.js';
import { AuthorizationFault } from './faults.js';
import type { PublicUrl } from './public-url.js';
import type { ResolvedAuthorizationOptions } from './resolve-options.js';
import { lacking } from './scope.js';
import type { TakenTransaction, Transactions } from './transactions.js';

const MAX_QUERY_CHARACTERS = 8192;
const DEFAULT_TENANT = 'default';

/** What has come of a log-in. */
export interface Finished {
  returnTo: string;
  /** The browser has others under way and keeps its cookie. */
  hasOthers: boolean;
  /** A session to start; null where the present one goes on. */
  session: {
    user: AuthorizedUser;
    login: { provider: string; account: string; subject?: string; sid?: string };
  } | null;
}

/** Takes browsers back from a provider: whose they are, what they bring, and who that is. */
export class CallbackService {
  constructor(
    private readonly parts: {
      tokens: TokenService;
      transactions: Transactions;
      publicUrl: PublicUrl;
      events: TokenEvents;
    },
    private readonly options: ResolvedAuthorizationOptions,
  ) {}

  /**
   * Ends a log-in that has come back with `query`. A transaction serves once, whatever comes of it; when it is not the
   * browser's own, nothing is asked and nothing changed. @throws AuthorizationFault, or a `TokenError` of the storage
   */
  async finish(
    provider: Provider,
    query: string,
    browser: string | null,
    current: Session | null,
  ): Promise<Finished> {
    const transaction = await this.taken(provider.name, query, browser, current);
    const callback = new URL(`${this.parts.publicUrl.callback(provider.name)}?${query}`);
    const key = transaction.dpopKey === null ? null : DpopKey.parse(transaction.dpopKey);
    const answer = await exchangeCode(provider, callback, transaction, key);
    if (isFailure(answer)) throw new AuthorizationFault(answer.outcome, answer.reason);
    const claims = await this.claimsOf(provider, answer.json, transaction);
    const tokens = withScope(provider.standardShape(answer.json), transaction.scope);
    const user = await this.userOf(provider.name, transaction, claims, tokens, current);
    const connects = transaction.kind === 'connect' || isConnection(provider.name, user, current);
    // As for the route that connects: not because of a link of another site.
    if (connects && !transaction.fromOwnSite) throw new AuthorizationFault('cross_site');
    const narrowed = await this.store(provider.name, user, tokens, transaction);
    if (narrowed && connects) throw new AuthorizationFault('narrowed');
    this.parts.events.emit({
      type: 'authorization',
      provider: provider.name,
      outcome: connects ? 'connected' : narrowed ? 'logged_in_with_less' : 'logged_in',
    });
    return {
      returnTo: transaction.returnTo,
      hasOthers: transaction.hasOthers,
      session: connects ? null : { user, login: loginOf(provider.name, transaction.account, claims) },
    };
  }

  private async taken(
    provider: string,
    query: string,
    browser: string | null,
    current: Session | null,
  ): Promise<TakenTransaction> {
    if (query.length > MAX_QUERY_CHARACTERS)
      throw new AuthorizationFault('bad_request', 'the callback’s query is too long');
    const states = new URLSearchParams(query).getAll('state');
    const transaction =
      states.length === 1 ? await this.parts.transactions.take(states[0], browser, provider) : null;
    if (transaction === null) throw new AuthorizationFault('expired');
    // Whoever has logged in here meanwhile must not get another one's account.
    if (transaction.user !== null && !isSame(transaction.user, current))
      throw new AuthorizationFault('expired', 'another user is logged in now');
    return transaction;
  }

  private async claimsOf(
    provider: Provider,
    json: Record<string, unknown>,
    { nonce, now }: TakenTransaction,
  ): Promise<Claims | null> {
    if (nonce === null) return null;
    const idToken = json['id_token'];
    if (typeof idToken !== 'string') throw new AuthorizationFault('refused', 'there is no ID token');
    const identity = await identityIn(provider, idToken, { nonce, now });
    if ('claims' in identity) return identity.claims;
    throw new AuthorizationFault(
      identity.unavailable ? 'unreachable' : 'refused',
      `ID token ${identity.fault}`,
    );
  }

  private async userOf(
    provider: string,
    { account, user }: TakenTransaction,
    claims: Claims | null,
    tokens: TokenResponse,
    current: Session | null,
  ): Promise<AuthorizedUser> {
    if (user !== null) return user;
    const { accessToken, scope } = parseTokenResponse(tokens);
    const identity = {
      provider,
      account,
      subject: claims === null ? null : (claims['sub'] as string),
      claims,
      accessToken: new Secret(accessToken),
      scope: scope ?? '',
    };
    const found = await this.options.userOf(identity, current);
    if (found === null) throw new AuthorizationFault('anonymous');
    const { userId, tenantId = DEFAULT_TENANT, attributes = {} } = found;
    return { userId, tenantId, attributes };
  }

  /**
   * Stores the tokens, unless they cover less than stored ones that are of use: then those stay, and true tells so. An
   * answer names what this grant covers (RFC 6749 §5.1); that an older one is at an end it does not say.
   */
  private async store(
    provider: string,
    { userId, tenantId = DEFAULT_TENANT }: AuthorizedUser,
    tokens: TokenResponse,
    { account, dpopKey, now }: TakenTransaction,
  ): Promise<boolean> {
    const ref = { userId, tenantId, provider, account };
    const [stored] = await this.parts.tokens.listTokens(ref);
    if (isOfUse(stored, now) && lacking(stored?.scope, parseTokenResponse(tokens).scope).length > 0)
      return true;
    await this.parts.tokens.storeTokens(
      ref,
      tokens,
      dpopKey === null ? {} : { dpopKey: JSON.parse(dpopKey) as never },
    );
    return false;
  }
}

/** An answer without a scope grants what was asked for (RFC 6749 §5.1). */
function withScope(response: Record<string, unknown>, asked: string): TokenResponse {
  const { scope } = response;
  const given = Array.isArray(scope) ? scope.length > 0 : typeof scope === 'string' && scope.trim() !== '';
  return { ...response, ...(!given && asked !== '' && { scope: asked }) } as unknown as TokenResponse;
}

/** Whether there are tokens, and a way to go on with them. */
const isOfUse = (stored: StoredToken | undefined, now: number): boolean =>
  stored?.status === 'active' &&
  (stored.hasRefreshToken || stored.expiresAt === null || stored.expiresAt.getTime() > now);

const isSame = (user: { userId: string; tenantId?: string }, session: Session | null): boolean =>
  session !== null &&
  session.userId === user.userId &&
  session.tenantId === (user.tenantId ?? DEFAULT_TENANT);

/** A log-in at another provider that is the same user's only connects that one: the session goes on. */
const isConnection = (provider: string, user: AuthorizedUser, current: Session | null): boolean =>
  isSame(user, current) && current!.login !== null && current!.login.provider !== provider;

function loginOf(provider: string, account: string, claims: Claims | null) {
  const { sub, sid } = claims ?? {};
  return {
    provider,
    account,
    ...(typeof sub === 'string' && { subject: sub }),
    ...(typeof sid === 'string' && { sid }),
  };
}
