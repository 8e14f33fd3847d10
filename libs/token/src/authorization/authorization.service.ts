import { calculateJwkThumbprint } from 'jose';
import type { TokenEvents } from '../common/events.js';
import { DpopKey } from '../crypto/dpop-key.js';
import { sha256 } from '../crypto/sha256.js';
import { authorizationUrl, isFailure } from '../oauth/authorization-request.js';
import type { Provider, Providers } from '../oauth/providers.js';
import type { Session } from '../session/session.types.js';
import type { TokenService } from '../token.service.js';
import { randomSecret } from './browser-cookie.js';
import { AuthorizationFault } from './faults.js';
import { readLoginQuery } from './login-query.js';
import type { PublicUrl } from './public-url.js';
import type { ResolvedAuthorizationOptions } from './resolve-options.js';
import { safeReturnTo } from './return-to.js';
import { lacking, unionOf } from './scope.js';
import type { Transaction, Transactions } from './transactions.js';

const DEFAULT_ACCOUNT = 'default';

export interface Begun {
  /** Where to send the browser. */
  url: string;
  /** The secret of its cookie. */
  browser: string;
}

/** Sends browsers to a provider: authorization code with PKCE, `state` and `nonce`. */
export class AuthorizationService {
  constructor(
    private readonly parts: {
      providers: Providers;
      tokens: TokenService;
      transactions: Transactions;
      publicUrl: PublicUrl;
      events: TokenEvents;
    },
    private readonly options: ResolvedAuthorizationOptions,
  ) {}

  /** @throws AuthorizationFault for a provider that is not configured, as a caller who made the name up sees */
  provider(name: string): Provider {
    const provider = this.parts.providers.find(name);
    if (!provider) throw new AuthorizationFault('unknown_provider');
    return provider;
  }

  /**
   * Begins a log-in, or with `session` the connection of another account or of more scope to its user. `browser`: the
   * secret that the browser has shown, if it has one. @throws AuthorizationFault
   */
  async begin(
    name: string,
    query: unknown,
    browser: string | null,
    session: Session | null,
    fromOwnSite: boolean,
  ): Promise<Begun> {
    const provider = this.provider(name);
    const { transactions, events } = this.parts;
    const transaction = await this.transactionFor(provider, query, session, fromOwnSite);
    const secret = browser ?? randomSecret();
    const state = await transactions.begin(secret, name, transaction);
    const url = await authorizationUrl(provider, await this.parametersOf(provider, transaction, state));
    if (isFailure(url)) {
      // Nobody will come back from there.
      await transactions.take(state, secret, name);
      throw new AuthorizationFault(url.outcome, url.reason);
    }
    events.emit({ type: 'authorization', provider: name, outcome: 'started' });
    return { url: url.href, browser: secret };
  }

  private async transactionFor(
    { name, options, dpopKey }: Provider,
    query: unknown,
    session: Session | null,
    fromOwnSite: boolean,
  ): Promise<Transaction> {
    const { furtherScope, returnTo } = this.options;
    const asked = readLoginQuery(query, unionOf(options.scope, furtherScope[name]));
    // As for the route that connects: no more than always because of a link of another site.
    if (!fromOwnSite && lacking(asked.scope, options.scope).length > 0)
      throw new AuthorizationFault('cross_site');
    const account = asked.account ?? DEFAULT_ACCOUNT;
    const user = session && { tenantId: session.tenantId, userId: session.userId };
    // What was granted before is asked for again: many providers' answers name, and cover, only what was asked for.
    const [stored] = user ? await this.parts.tokens.listTokens({ ...user, provider: name, account }) : [];
    const scope = unionOf(options.scope, stored?.status === 'active' ? stored.scope : null, asked.scope);
    return {
      kind: session ? 'connect' : 'log_in',
      fromOwnSite,
      codeVerifier: randomSecret(),
      nonce: scope.split(' ').includes('openid') ? randomSecret() : null,
      scope,
      returnTo: safeReturnTo(asked.returnTo, this.parts.publicUrl.ownPath) ?? returnTo,
      account,
      user,
      dpopKey: dpopKey === null ? null : DpopKey.generate().text,
    };
  }

  private async parametersOf(
    provider: Provider,
    { codeVerifier, nonce, scope, dpopKey }: Transaction,
    state: string,
  ): Promise<Record<string, string>> {
    return {
      redirect_uri: this.parts.publicUrl.callback(provider.name),
      ...(scope !== '' && { scope }),
      state,
      code_challenge: Buffer.from(sha256(codeVerifier), 'hex').toString('base64url'),
      code_challenge_method: 'S256',
      ...(nonce !== null && { nonce }),
      // Access while the user is away is to be consented to (OpenID Connect Core 1.0 §11).
      ...(scope.split(' ').includes('offline_access') &&
        provider.options.authorizationParameters?.['prompt'] === undefined && { prompt: 'consent' }),
      // The code is of use only to who has the key (RFC 9449 §10).
      ...(dpopKey !== null && {
        dpop_jkt: await calculateJwkThumbprint(DpopKey.parse(dpopKey).publicJwk),
      }),
    };
  }
}
