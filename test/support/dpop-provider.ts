import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Oracle } from '@tokenward/nestjs/testing';
import '../../src/local/quiet.js';
import type { JWK } from 'jose';
import Provider, { type ClientMetadata } from 'oidc-provider';
import { providerConfiguration } from '../../src/local/provider.configuration.js';
import { mint, type MintedTokens, type MintOptions } from './provider/mint.js';
import { watch } from './provider/watch.js';

const API = { id: 'test-api', secret: 'test-api-secret-of-32-characters' };
const SECRET = 'confidential-client-secret-of-32-characters';

export type DpopClient = 'public' | 'confidential' | 'signing';

export interface DpopProvider {
  issuer: string;
  clientSecret: string;
  oracle: Oracle;
  /** Whether a proof has to hold a nonce of the provider. */
  requireNonce: boolean;
  mintTokens(client: DpopClient, options: MintOptions): Promise<MintedTokens>;
  /** What the provider says of an access token (RFC 7662). */
  introspect(accessToken: string): Promise<{ active: boolean; token_type?: string; cnf?: { jkt?: string } }>;
  stop(): Promise<void>;
}

/** A real, strict provider that binds tokens to keys, with a public client, one with a secret, and one that signs. */
export async function startDpopProvider(clientKey: JWK): Promise<DpopProvider> {
  const server = createServer();
  const issuer = await listen(server);
  const configuration = await providerConfiguration({
    app: { id: 'app', secret: SECRET, redirectPaths: ['/'], postLogoutRedirectPaths: ['/'] },
    api: API,
    accessTokenTtlSeconds: 300,
    rotateRefreshTokens: true,
  });
  const [app, ...others] = configuration.clients!;
  const { client_secret: _, ...named } = app!;
  const clients: ClientMetadata[] = [
    ...others,
    { ...named, client_id: 'public', token_endpoint_auth_method: 'none' },
    {
      ...named,
      client_id: 'confidential',
      client_secret: SECRET,
      grant_types: [...named.grant_types!, 'client_credentials'],
    },
    {
      ...named,
      client_id: 'signing',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [clientKey] },
    },
  ];
  const started: DpopProvider = {
    issuer,
    clientSecret: SECRET,
    oracle: new Oracle(),
    requireNonce: false,
    mintTokens: (client, options) => mint(provider, client, options),
    introspect: (accessToken) => introspect(issuer, accessToken),
    stop: () => close(server),
  };
  const provider = new Provider(issuer, {
    ...configuration,
    clients,
    features: {
      ...configuration.features,
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => started.requireNonce },
    },
  });
  watch(provider, started.oracle);
  const callback = provider.callback();
  server.on('request', (request, response) => void callback(request, response));
  return started;
}

async function introspect(issuer: string, token: string): Promise<{ active: boolean }> {
  const credentials = Buffer.from(`${API.id}:${API.secret}`).toString('base64');
  const response = await fetch(`${issuer}/token/introspection`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams({ token }),
  });
  return (await response.json()) as { active: boolean };
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
