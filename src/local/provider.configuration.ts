import { exportJWK, generateKeyPair } from 'jose';
import type { ClientMetadata, Configuration } from 'oidc-provider';
import { memoryAdapter } from './memory.adapter.js';
import { errorPage, loggedOutPage, logoutPage } from './pages.js';
import type { ProviderSetup } from './provider.options.js';

const tenMinutes = 600;
const fortnight = 14 * 24 * 3600;

function clients({ app, api }: ProviderSetup): ClientMetadata[] {
  const local = (path: string): string => `http://localhost${path}`;
  return [
    {
      client_id: app.id,
      ...(app.publicKeys
        ? { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: app.publicKeys } }
        : { client_secret: app.secret }),
      client_name: 'Tokenward reference app',
      // A native application may come back on any loopback port (RFC 8252 §7.3), and the app's is chosen by its user.
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: app.redirectPaths.map(local),
      post_logout_redirect_uris: app.postLogoutRedirectPaths.map(local),
    },
    { client_id: api.id, client_secret: api.secret, redirect_uris: [], response_types: [], grant_types: [] },
  ];
}

/** A provider as strict as they come: PKCE always, refresh tokens of one use, a reused one ends the whole grant. */
export async function providerConfiguration(setup: ProviderSetup): Promise<Configuration> {
  const { cookiePrefix = 'local_provider' } = setup;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return {
    adapter: memoryAdapter(),
    clients: clients(setup),
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig' }] },
    cookies: {
      keys: [crypto.randomUUID()],
      names: {
        session: cookiePrefix,
        interaction: `${cookiePrefix}_login`,
        resume: `${cookiePrefix}_resume`,
      },
    },
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', 'profile', 'api'],
    claims: { openid: ['sub'], profile: ['name'] },
    conformIdTokenClaims: false,
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id, name: id }) }),
    issueRefreshToken: () => true,
    expiresWithSession: () => false,
    rotateRefreshToken: setup.rotateRefreshTokens,
    ttl: {
      AccessToken: setup.accessTokenTtlSeconds,
      AuthorizationCode: 60,
      IdToken: setup.accessTokenTtlSeconds,
      Interaction: tenMinutes,
      RefreshToken: fortnight,
      Session: fortnight,
      Grant: fortnight,
    },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === setup.api.id },
      revocation: {
        enabled: true,
        allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: { enabled: true, logoutSource: logoutPage, postLogoutSuccessSource: loggedOutPage },
    },
    interactions: { url: (_ctx, { uid }) => `/login/${uid}` },
    renderError: errorPage,
  };
}
