import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Faults, Oracle } from '@tokenward/nestjs/testing';
import '../../src/local/quiet.js';
import Provider, { errors, type ResourceServer } from 'oidc-provider';
import { providerConfiguration } from '../../src/local/provider.configuration.js';
import { mint, type MintedTokens, type MintOptions } from './provider/mint.js';
import { allowTokenExchange, GRANT_TYPE } from './provider/token-exchange.js';
import { watch } from './provider/watch.js';

const CLIENT_ID = 'machine-client';
const SCOPES = ['openid', 'offline_access', 'profile', 'api', 'read', 'write', 'delete'];

export interface GrantsProvider {
  issuer: string;
  clientId: string;
  /** The one secret that is valid. */
  clientSecret: string;
  apiOrigin: string;
  oracle: Oracle;
  faults: Faults;
  /** Lifetime of the next tokens of both grants, in seconds; null: exchanged ones are issued without. */
  ttlSeconds: number | null;
  mintTokens(options: MintOptions): Promise<MintedTokens>;
  /** How many requests of this grant have reached the provider or a fault in front of it. */
  requests(grant: 'client_credentials' | 'token_exchange'): number;
  stop(): Promise<void>;
}

/** Every API of example.com and every audience that begins so is known; everything else is a wrong target. */
const knows = (target: string): boolean => /^(?:https:\/\/[a-z0-9-]+\.example\.com|api-)/.test(target);

/** A real, strict provider that also issues client tokens (RFC 6749 §4.4, RFC 8707) and exchanges tokens (RFC 8693). */
export async function startGrantsProvider(): Promise<GrantsProvider> {
  const server = createServer();
  const issuer = await listen(server);
  const secret = 'machine-client-secret-of-32-characters';
  const oracle = new Oracle();
  const faults = new Faults((form, outcome) => void oracle.keptAway(form, outcome));
  const configuration = await providerConfiguration({
    app: { id: CLIENT_ID, secret, redirectPaths: ['/auth/callback/test'], postLogoutRedirectPaths: ['/'] },
    api: { id: 'test-api', secret: 'test-api-secret-of-32-characters' },
    accessTokenTtlSeconds: 300,
    rotateRefreshTokens: true,
  });
  const started: GrantsProvider = {
    issuer,
    clientId: CLIENT_ID,
    clientSecret: secret,
    apiOrigin: 'https://api.example.com',
    oracle,
    faults,
    ttlSeconds: 300,
    mintTokens: (minted) => mint(provider, CLIENT_ID, minted),
    requests: (grant) => {
      const type = grant === 'token_exchange' ? GRANT_TYPE : grant;
      return oracle.requests.filter(({ grantType }) => grantType === type).length;
    },
    stop: () => close(server),
  };
  const provider = new Provider(issuer, {
    ...configuration,
    clients: configuration.clients!.map((client) =>
      client.client_id === CLIENT_ID
        ? { ...client, grant_types: [...client.grant_types!, 'client_credentials', GRANT_TYPE] }
        : client,
    ),
    scopes: SCOPES,
    ttl: { ...configuration.ttl, ClientCredentials: () => started.ttlSeconds ?? 300 },
    features: {
      ...configuration.features,
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => resourceServer(resource, started.ttlSeconds ?? 300),
      },
    },
  });
  await allowTokenExchange(provider, { knows, ttlSeconds: () => started.ttlSeconds });
  watch(provider, oracle);
  server.on('request', faults.around(provider.callback()));
  return started;
}

function resourceServer(resource: string, accessTokenTTL: number): ResourceServer {
  if (!knows(resource)) throw new errors.InvalidTarget('unknown resource');
  return {
    scope: 'read write',
    audience: resource,
    accessTokenTTL,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
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
