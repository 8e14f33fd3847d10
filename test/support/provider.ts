import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Faults, Oracle } from '@tokenward/nestjs/testing';
import type { JWK } from 'jose';
import { createApi } from '../../src/local/api.js';
import { createProvider } from '../../src/local/provider.js';
import { knowApplication } from './provider/application.js';
import { mint, type MintedTokens, type MintOptions } from './provider/mint.js';
import { watch } from './provider/watch.js';

export { hashOf } from '@tokenward/nestjs/testing';
export type { MintedTokens, MintOptions } from './provider/mint.js';

export interface TestProviderOptions {
  accessTokenTtlSeconds?: number;
  /** Rotation of refresh tokens with reuse detection. Default: true. */
  rotate?: boolean;
  /** Public keys of the client, which then signs (`private_key_jwt`) instead of sending a secret. */
  publicKeys?: JWK[];
  /** Where browsers find the application, unless at http://localhost: it is called back when the provider's session ends. */
  application?: string;
}

export interface TestProvider {
  issuer: string;
  clientId: string;
  clientSecret: string;
  /** A protected API that accepts this provider's access tokens at `/me` and `/time`. */
  apiOrigin: string;
  oracle: Oracle;
  /** What has come to the provider, and to its API. */
  requests: IncomingMessage[];
  apiRequests: IncomingMessage[];
  /** How to make the token endpoint misbehave. */
  faults: Faults;
  mintTokens(options: MintOptions): Promise<MintedTokens>;
  /** Revokes a refresh token and its grant, as a user does at the provider. */
  revoke(refreshToken: string): Promise<void>;
  stop(): Promise<void>;
}

/** A real, strict OpenID provider in this process, on a free port, with a protected API beside it. */
export async function startProvider(options: TestProviderOptions = {}): Promise<TestProvider> {
  const { accessTokenTtlSeconds = 300, rotate = true, publicKeys, application } = options;
  const app = {
    id: 'test-client',
    secret: 'test-client-secret-of-32-characters',
    ...(publicKeys && { publicKeys }),
    redirectPaths: ['/auth/callback/test', '/auth/callback/other'],
    postLogoutRedirectPaths: ['/'],
  };
  const api = { id: 'test-api', secret: 'test-api-secret-of-32-characters' };
  const server = createServer();
  const issuer = await listen(server);
  const setup = { app, api, accessTokenTtlSeconds, rotateRefreshTokens: rotate };
  const provider = await createProvider(issuer, setup, (configuration) =>
    application === undefined ? configuration : knowApplication(configuration, app.id, application),
  );
  const oracle = new Oracle();
  const faults = new Faults((form, outcome) => void oracle.keptAway(form, outcome));
  watch(provider, oracle);
  server.on('request', faults.around(provider.callback()));
  const requests = noting(server);
  const apiServer = createApi(issuer, api);
  const apiRequests = noting(apiServer);
  return {
    issuer,
    clientId: app.id,
    clientSecret: app.secret,
    apiOrigin: await listen(apiServer),
    oracle,
    requests,
    apiRequests,
    faults,
    mintTokens: (minted) => mint(provider, app.id, minted),
    revoke: async (refreshToken) => {
      const token = await provider.RefreshToken.find(refreshToken);
      await token?.destroy();
    },
    stop: async () => {
      await Promise.all([close(server), close(apiServer)]);
    },
  };
}

function noting(server: Server): IncomingMessage[] {
  const seen: IncomingMessage[] = [];
  server.prependListener('request', (request: IncomingMessage) => seen.push(request));
  return seen;
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
