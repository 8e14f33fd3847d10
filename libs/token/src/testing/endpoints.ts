import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { MintedTokens, TestClient } from './authorization-server.options.js';
import { authenticate } from './client-authentication.js';
import type { Grants, IssuedPair } from './grants.js';
import type { IdTokenSigner } from './id-token-signer.js';
import { type OAuthAnswer, OAuthRefusal } from './oauth-answer.js';
import type { Oracle } from './oracle.js';

interface Parts {
  issuer: string;
  clients: readonly TestClient[];
  grants: Grants;
  signer: IdTokenSigner;
  oracle: Oracle;
  now: () => number;
  lifetimeSeconds: number;
}

/** What the server answers at each path. */
export class Endpoints {
  constructor(private readonly parts: Parts) {}

  async answer(request: IncomingMessage): Promise<OAuthAnswer> {
    const { issuer, signer, oracle } = this.parts;
    const path = request.url?.split('?')[0] ?? '';
    switch (`${request.method} ${path}`) {
      case 'GET /.well-known/openid-configuration':
      case 'GET /.well-known/oauth-authorization-server':
        return { status: 200, body: metadata(issuer) };
      case 'GET /jwks':
        return { status: 200, body: { keys: [signer.jwk] } };
      case 'GET /me':
        return this.#userInfo(request.headers.authorization);
      case 'POST /token':
        return this.#form(
          request,
          (form, clientId) => this.#token(form, clientId),
          (form, outcome) => oracle.answered(form, outcome),
        );
      case 'POST /token/revocation':
        return this.#form(
          request,
          (form, clientId) => this.#revoke(form, clientId),
          (form, outcome) => oracle.revocation(form, outcome),
        );
      default:
        return { status: 404, body: { error: 'not_found' } };
    }
  }

  async wire({ accessToken, refreshToken, scope, grant }: IssuedPair): Promise<MintedTokens> {
    const { issuer, signer, oracle, now, lifetimeSeconds } = this.parts;
    const openid = scope.split(' ').includes('openid');
    const idToken = openid ? await signer.sign(issuer, grant, now(), lifetimeSeconds) : null;
    if (idToken !== null) oracle.issue(idToken);
    return {
      access_token: accessToken,
      refresh_token: refreshToken,
      ...(idToken !== null && { id_token: idToken }),
      token_type: 'Bearer',
      expires_in: lifetimeSeconds,
      scope,
    };
  }

  async #form(
    request: IncomingMessage,
    work: (form: URLSearchParams, clientId: string) => OAuthAnswer | Promise<OAuthAnswer>,
    note: (form: URLSearchParams, outcome: string) => void,
  ): Promise<OAuthAnswer> {
    const form = new URLSearchParams(await text(request));
    try {
      const clientId = authenticate(this.parts.clients, request.headers.authorization, form);
      const answer = await work(form, clientId);
      note(form, 'ok');
      return answer;
    } catch (error) {
      if (!(error instanceof OAuthRefusal)) throw error;
      note(form, error.code);
      return error.answer;
    }
  }

  async #token(form: URLSearchParams, clientId: string): Promise<OAuthAnswer> {
    const { grants, lifetimeSeconds } = this.parts;
    const scope = form.get('scope');
    switch (form.get('grant_type')) {
      case 'refresh_token':
        return {
          status: 200,
          body: await this.wire(grants.refresh(clientId, needed(form, 'refresh_token'), scope)),
        };
      case 'client_credentials': {
        const body = {
          access_token: grants.clientToken(clientId, scope ?? ''),
          token_type: 'Bearer',
          expires_in: lifetimeSeconds,
          ...(scope !== null && { scope }),
        };
        return { status: 200, body };
      }
      case null:
        throw new OAuthRefusal('invalid_request', 'grant_type is missing');
      default:
        throw new OAuthRefusal('unsupported_grant_type', 'this server knows no such grant');
    }
  }

  /** The answer is the same for a token that is unknown (RFC 7009 §2.2). */
  #revoke(form: URLSearchParams, clientId: string): OAuthAnswer {
    this.parts.grants.revoke(clientId, needed(form, 'token'));
    return { status: 200 };
  }

  /** The protected resource of the server (OpenID Connect Core 1.0 §5.3, RFC 6750 §3). */
  #userInfo(authorization: string | undefined): OAuthAnswer {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) return { status: 401, challenge: 'Bearer' };
    const user = this.parts.grants.find(token)?.grant?.user;
    return user === undefined
      ? { status: 401, body: { error: 'invalid_token' }, challenge: 'Bearer error="invalid_token"' }
      : { status: 200, body: { sub: user } };
  }
}

function needed(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (!value) throw new OAuthRefusal('invalid_request', `${name} is missing`);
  return value;
}

/** OpenID Connect Discovery 1.0 §3, RFC 8414. */
const metadata = (issuer: string): object => ({
  issuer,
  token_endpoint: `${issuer}/token`,
  revocation_endpoint: `${issuer}/token/revocation`,
  userinfo_endpoint: `${issuer}/me`,
  jwks_uri: `${issuer}/jwks`,
  grant_types_supported: ['refresh_token', 'client_credentials'],
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['ES256'],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
});
