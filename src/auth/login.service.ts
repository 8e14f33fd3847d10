import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import {
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { PublicUrl } from '../web/public-url.js';
import { exchangeCode, type Login } from './code-exchange.js';
import { LoginFault, loginFaultOf } from './login.fault.js';
import { OidcClients } from './oidc-clients.js';

/** What is remembered between sending a browser to the provider and its return. */
interface LoginTransaction {
  provider: string;
  sessionId: string;
  codeVerifier: string;
  nonce: string | undefined;
}

const tenMinutesMs = 600_000;

/** The authorization code flow with PKCE, state, nonce and issuer check (RFC 6749, RFC 7636, RFC 9207, OpenID Connect). */
@Injectable()
export class LoginService {
  private readonly transactions = new LRUCache<string, LoginTransaction>({ max: 10_000, ttl: tenMinutesMs });

  constructor(
    private readonly clients: OidcClients,
    private readonly providers: ProviderDirectory,
    private readonly publicUrl: PublicUrl,
  ) {}

  /** Where to send the browser of this session. */
  async begin(provider: string, sessionId: string): Promise<string> {
    const { scope = '' } = this.providers.get(provider).options;
    const client = await this.clients.first(provider).catch((error: unknown) => {
      throw loginFaultOf(error, provider);
    });
    const [state, codeVerifier] = [randomState(), randomPKCECodeVerifier()];
    const scopes = scope.split(' ');
    const nonce = scopes.includes('openid') ? randomNonce() : undefined;
    this.transactions.set(state, { provider, sessionId, codeVerifier, nonce });
    return buildAuthorizationUrl(client, {
      redirect_uri: this.publicUrl.to(`/auth/callback/${provider}`),
      scope,
      state,
      code_challenge: await calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      ...(nonce !== undefined && { nonce }),
      // Access while the user is away is to be consented to (OpenID Connect Core 1.0 §11).
      ...(scopes.includes('offline_access') && { prompt: 'consent' }),
    }).href;
  }

  /** The tokens for a browser that has come back to `path`. A transaction serves once, whatever comes of it. */
  async finish(provider: string, sessionId: string, path: string): Promise<Login> {
    this.providers.get(provider);
    const answer = new URL(this.publicUrl.to(path));
    const state = answer.searchParams.get('state') ?? '';
    const transaction = this.transactions.get(state);
    this.transactions.delete(state);
    if (transaction?.provider !== provider || transaction.sessionId !== sessionId)
      throw new LoginFault('expired');
    try {
      return await exchangeCode(await this.clients.all(provider), answer, { ...transaction, state });
    } catch (error) {
      throw loginFaultOf(error, provider);
    }
  }
}
