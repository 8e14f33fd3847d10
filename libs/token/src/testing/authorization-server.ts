import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { wallClock } from '../common/clock.wall.js';
import { TokenInputError } from '../common/errors.js';
import type { ProviderOptions } from '../oauth/provider.options.js';
import {
  type AuthorizationServerOptions,
  type MintedTokens,
  type MintOptions,
  REFRESH_TOKEN_MODES,
  type RefreshTokenMode,
  SERVER_DEFAULTS,
} from './authorization-server.options.js';
import { Endpoints } from './endpoints.js';
import { Faults } from './faults.js';
import { Grants } from './grants.js';
import { IdTokenSigner } from './id-token-signer.js';
import { close, listen } from './listening.js';
import { type OAuthAnswer, send } from './oauth-answer.js';
import { Oracle } from './oracle.js';

export interface AuthorizationServer {
  /** Its origin too: `GET /me` is a protected resource that says whose access token it was shown. */
  issuer: string;
  /** For `providers` of `TokenModule`: the first client at this server, with a policy that fits its mode. */
  provider: ProviderOptions;
  oracle: Oracle;
  /** How to make the token endpoint misbehave. */
  faults: Faults;
  /** The same for the revocation endpoint. */
  revocationFaults: Faults;
  /** A token response as if `user` had logged in just now, for `TokenService.storeTokens()`. */
  mint(user: string, options?: MintOptions): Promise<MintedTokens>;
  /** Closes every connection, also those that hang. */
  stop(): Promise<void>;
}

const failed: OAuthAnswer = { status: 500, body: { error: 'server_error' } };

/** An authorization server in this process, on a free port of this machine, as strict as `mode` says. */
export async function startAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const {
    mode,
    reuseGraceSeconds = SERVER_DEFAULTS.reuseGraceSeconds,
    accessTokenLifetimeSeconds: lifetimeSeconds = SERVER_DEFAULTS.accessTokenLifetimeSeconds,
    clients = SERVER_DEFAULTS.clients,
    now = wallClock,
  } = options;
  if (!REFRESH_TOKEN_MODES.includes(mode))
    throw new TokenInputError('mode', `must be one of ${REFRESH_TOKEN_MODES.join(', ')}`);
  for (const [name, value] of Object.entries({
    reuseGraceSeconds,
    accessTokenLifetimeSeconds: lifetimeSeconds,
  }))
    if (!Number.isFinite(value) || value < 0) throw new TokenInputError(name, 'must be a number, 0 or more');
  const oracle = new Oracle();
  const faults = new Faults((form, outcome) => void oracle.keptAway(form, outcome));
  const revocationFaults = new Faults(
    (form, outcome) => oracle.revocation(form, outcome),
    '/token/revocation',
  );
  const settings = {
    mode,
    reuseGraceMs: reuseGraceSeconds * 1000,
    lifetimeMs: lifetimeSeconds * 1000,
    now,
  };
  const grants = new Grants(settings, oracle);
  const server = createServer();
  const signer = await IdTokenSigner.create();
  const issuer = await listen(server);
  const endpoints = new Endpoints({ issuer, clients, grants, signer, oracle, now, lifetimeSeconds });
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    send(response, await endpoints.answer(request).catch(() => failed));
  server.on('request', revocationFaults.around(faults.around(respond)));
  const [first] = clients;
  return {
    issuer,
    provider: {
      issuer,
      ...first,
      ...policy(mode, reuseGraceSeconds),
      apiOrigins: [issuer],
      allowInsecureRequests: true,
    },
    oracle,
    faults,
    revocationFaults,
    mint: async (user, { scope = 'openid offline_access api', clientId = first.clientId } = {}) => {
      if (!clients.some((client) => client.clientId === clientId))
        throw new TokenInputError(
          'clientId',
          `is not one of ${clients.map((client) => client.clientId).join(', ')}`,
        );
      return endpoints.wire(grants.begin(clientId, user, scope));
    },
    stop: () => close(server),
  };
}

function policy(mode: RefreshTokenMode, reuseGraceSeconds: number): Partial<ProviderOptions> {
  if (mode === 'plain') return { onUnknownOutcome: 'replay' };
  return { reuseGraceSeconds: mode === 'strict' ? 0 : reuseGraceSeconds };
}
