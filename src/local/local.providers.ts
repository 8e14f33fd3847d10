import type { Config } from '../config/config.js';
import type { AppProvider } from '../config/providers-file.js';
import type { LocalAddresses, LocalChildSetup, LocalProviderSetup } from './local.messages.js';

const clientId = 'tokenward-reference-app';
const note = 'Both run on your machine and belong to this demo: any name and any password will do.';

/** The second one has a rhythm of its own, so that two tokens are seen to live side by side. */
const slowerBy = 2;

/** What the providers that come along are: the one to log in with first, and one more to connect. */
export function localSetup({
  providerPort,
  apiPort,
  accessTokenTtlSeconds,
}: Config['local']): LocalChildSetup {
  return {
    local: {
      provider: providerSetup('local', accessTokenTtlSeconds),
      providerPort,
      apiPort,
    },
    second: {
      provider: providerSetup('second', accessTokenTtlSeconds * slowerBy),
      providerPort: 0,
      apiPort: 0,
    },
  };
}

function providerSetup(name: string, accessTokenTtlSeconds: number): LocalProviderSetup['provider'] {
  return {
    app: {
      id: clientId,
      secret: crypto.randomUUID(),
      redirectPaths: [`/auth/callback/${name}`],
      postLogoutRedirectPaths: ['/'],
    },
    api: { id: 'tokenward-demo-api', secret: crypto.randomUUID() },
    accessTokenTtlSeconds,
    rotateRefreshTokens: true,
    cookiePrefix: `${name}_provider`,
  };
}

const labels: Record<string, string> = { local: 'the local provider', second: 'the second provider' };

/** How the app reaches one of them. */
export function localProvider(
  name: string,
  { app }: LocalProviderSetup['provider'],
  { issuer, apiOrigin }: LocalAddresses,
): AppProvider {
  return {
    label: labels[name]!,
    note: name === 'local' ? note : null,
    api: { baseUrl: apiOrigin, calls: ['GET /me', 'GET /time', 'GET /ticks'] },
    options: {
      issuer,
      clientId: app.id,
      clientSecret: app.secret,
      scope: 'openid profile api offline_access',
      apiOrigins: [apiOrigin],
      reuseGraceSeconds: 0,
      allowInsecureRequests: true,
    },
  };
}
