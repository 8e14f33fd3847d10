import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Faults, Oracle } from '@tokenward/nestjs/testing';
import '../../src/local/quiet.js';
import { exportJWK, generateKeyPair, type CryptoKey, type JWTPayload, SignJWT } from 'jose';
import Provider, { type ClientMetadata, type KoaContextWithOIDC } from 'oidc-provider';
import { providerConfiguration } from '../../src/local/provider.configuration.js';
import { watch } from './provider/watch.js';

export const SECRET = 'log-in-client-secret-of-32-characters';
const PATHS = ['acme', 'other', 'strict', 'bound'].map((name) => `/auth/callback/${name}`);

export interface LoginProvider {
  issuer: string;
  /** Private key of `strict`. */
  clientKey: string;
  oracle: Oracle;
  /** In front of the token endpoint. */
  faults: Faults;
  /** What has come to a path, with how it was answered. */
  requests: { method: string; path: string; query: URLSearchParams }[];
  /** Signs as the provider does. */
  sign(claims: JWTPayload, header?: Record<string, unknown>): Promise<string>;
  /** What is in the place of an ID token: other claims, which are signed, or a text, which is not. */
  idToken: ((claims: JWTPayload, original: string) => JWTPayload | string | Promise<string>) | null;
  stop: () => Promise<void>;
}

/**
 * A real, strict OpenID provider with a log-in form, which calls `application` back when it ends its own session. Its clients:
 * `app` has a secret, `strict` a key and takes pushed and signed requests only, `bound` is public and has DPoP.
 */
export async function startLoginProvider(application: string): Promise<LoginProvider> {
  const server = createServer();
  const issuer = await listen(server);
  const setup = { redirectPaths: PATHS, postLogoutRedirectPaths: ['/'] };
  const configuration = await providerConfiguration({
    app: { id: 'app', secret: SECRET, ...setup },
    api: { id: 'api', secret: 'test-api-secret-of-32-characters' },
    accessTokenTtlSeconds: 300,
    rotateRefreshTokens: true,
  });
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signing = await generateKeyPair('ES256', { extractable: true });
  const [app, ...others] = configuration.clients!;
  const { client_secret: _, ...named } = app!;
  const clients: ClientMetadata[] = [
    ...others,
    {
      ...app!,
      backchannel_logout_uri: `${application}/auth/backchannel-logout/acme`,
      backchannel_logout_session_required: true,
    },
    { ...named, client_id: 'bound', token_endpoint_auth_method: 'none' },
    {
      ...named,
      client_id: 'strict',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [publicKey.export({ format: 'jwk' })] },
      require_pushed_authorization_requests: true,
      request_object_signing_alg: 'ES256',
      require_signed_request_object: true,
    },
  ];
  const provider = new Provider(issuer, {
    ...configuration,
    clients,
    jwks: { keys: [{ ...(await exportJWK(signing.privateKey)), alg: 'ES256', use: 'sig', kid: 'log-in' }] },
    // Its own refuses addresses of the machine that it runs on.
    fetch: (url, init) => fetch(url, { ...init, dispatcher: undefined }),
    scopes: ['openid', 'offline_access', 'profile', 'api', 'read', 'write'],
    enabledJWA: { ...configuration.enabledJWA, requestObjectSigningAlgValues: ['ES256'] },
    features: {
      ...configuration.features,
      backchannelLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      requestObjects: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => true },
    },
  });
  provider.use(loginForm(provider));
  const oracle = new Oracle();
  watch(provider, oracle);
  const faults = new Faults((form, outcome) => void oracle.keptAway(form, outcome));
  const started: LoginProvider = {
    issuer,
    clientKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    oracle,
    faults,
    requests: [],
    sign: (claims, header) => sign(signing.privateKey, claims, header),
    idToken: null,
    stop: () => close(server),
  };
  provider.use((ctx: KoaContextWithOIDC, next) => remint(ctx, next, started, signing.privateKey));
  const answer = faults.around(provider.callback());
  server.on('request', (request, response) => {
    const { pathname, searchParams } = new URL(request.url!, issuer);
    started.requests.push({ method: request.method!, path: pathname, query: searchParams });
    answer(request, response);
  });
  return started;
}

const sign = (key: CryptoKey, claims: JWTPayload, header: Record<string, unknown> = {}): Promise<string> =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: 'ES256', kid: 'log-in', ...header })
    .sign(key, { crit: { x: true } });

async function remint(
  ctx: KoaContextWithOIDC,
  next: () => Promise<void>,
  { idToken }: LoginProvider,
  key: CryptoKey,
): Promise<void> {
  await next();
  const body = ctx.body as { id_token?: string } | undefined;
  if (ctx.path !== '/token' || idToken === null || body?.id_token === undefined) return;
  const claims = JSON.parse(Buffer.from(body.id_token.split('.')[1]!, 'base64url').toString()) as JWTPayload;
  const put = await idToken(claims, body.id_token);
  ctx.body = { ...body, id_token: typeof put === 'string' ? put : await sign(key, put) };
}

/** Signs in whoever gives a name, and grants what was asked for but for the scopes that are listed in `refuse`. */
function loginForm(provider: Provider) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    if (!/^\/login\/[\w-]+$/.test(ctx.path)) return next();
    const { params, session } = await provider.interactionDetails(ctx.req, ctx.res);
    if (ctx.method !== 'POST') {
      ctx.body = 'who are you?';
      return;
    }
    const form = new URLSearchParams(await text(ctx.req));
    const accountId = form.get('name') ?? session?.accountId ?? 'ada';
    const refused = form.get('refuse')?.split(' ') ?? [];
    const scopes = (params['scope'] as string).split(' ');
    const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) });
    grant.addOIDCScope(scopes.filter((scope) => !refused.includes(scope)).join(' '));
    if (refused.length > 0) grant.rejectOIDCScope(refused.join(' '));
    const result = form.has('cancel')
      ? { error: 'access_denied', error_description: 'no' }
      : { login: { accountId }, consent: { grantId: await grant.save() } };
    ctx.status = 303;
    ctx.redirect(
      await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false }),
    );
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
