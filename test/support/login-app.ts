import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  type ProviderOptions,
  type TokenEvent,
  TokenEvents,
  TokenModule,
  TokenService,
} from '@tokenward/nestjs';
import { AuthorizationModule, type AuthorizationModuleOptions } from '@tokenward/nestjs/authorization';
import { SessionModule, SessionService } from '@tokenward/nestjs/session';
import { TokenMetricsModule } from '@tokenward/nestjs/metrics';
import { DataSource } from 'typeorm';
import { databaseModule, freshKeyring, SILENT } from './app.js';
import type { TestDatabase } from './database.js';
import { freePort } from './servers/free-port.js';
import { type LoginProvider, SECRET, startLoginProvider } from './login-provider.js';

export const platforms = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
};
export type Platform = keyof typeof platforms;

export interface LoginApp {
  url: string;
  app: INestApplication;
  tokens: TokenService;
  sessions: SessionService;
  dataSource: DataSource;
  events: TokenEvent[];
  close(): Promise<void>;
}

/** Whoever the provider names; someone who is logged in stays who they are. */
export const userOf: AuthorizationModuleOptions['userOf'] = ({ provider, subject }, current) => {
  if (current && current.login?.provider !== provider) return current;
  return subject === null ? null : { userId: `${provider}:${subject}`, attributes: { name: subject } };
};

/** What the tests' provider is called here: `acme` and `other` with a secret, `strict` with PAR and JAR, `bound` with DPoP. */
export function loginProviders({ issuer, clientKey }: LoginProvider): Record<string, ProviderOptions> {
  const common = { issuer, scope: 'openid profile offline_access', allowInsecureRequests: true };
  return {
    acme: { ...common, clientId: 'app', clientSecret: ['not yet in force', SECRET] },
    other: { ...common, clientId: 'app', clientSecret: SECRET, scope: 'openid profile' },
    strict: { ...common, clientId: 'strict', clientKey, pushedAuthorization: true, signedRequests: true },
    bound: { ...common, clientId: 'bound', dpop: true },
  };
}

const keyring = freshKeyring();

export interface LoginAppOptions {
  platform?: Platform;
  providers?: Record<string, ProviderOptions>;
  port?: number;
  metrics?: boolean;
  authorization?: Partial<AuthorizationModuleOptions> & { prefix?: string };
}

/** An application that lets this library log its users in, and does nothing else. */
export async function startLoginApp(
  database: TestDatabase,
  provider: LoginProvider,
  options: LoginAppOptions = {},
): Promise<LoginApp> {
  const { platform = 'Fastify', providers = loginProviders(provider), port = 0 } = options;
  let url = '';
  const module = await Test.createTestingModule({
    imports: [
      databaseModule(database),
      ScheduleModule.forRoot(),
      TokenModule.forRoot({
        providers,
        encryption: { keyring },
        refresh: { ahead: false },
        cleanup: false,
        revocation: false,
        rotation: false,
      }),
      SessionModule.forRoot({ allowInsecureRequests: true }),
      AuthorizationModule.forRoot({
        publicUrl: () => url,
        allowInsecureRequests: true,
        userOf,
        furtherScope: { acme: 'api read write', other: 'api' },
        mediated: ['acme', 'other'],
        ...options.authorization,
      }),
      ...(options.metrics ? [TokenMetricsModule] : []),
    ],
  })
    .setLogger(SILENT)
    .compile();
  const events: TokenEvent[] = [];
  module.get(TokenEvents).stream.subscribe((event) => events.push(event));
  const adapter = platforms[platform]();
  const app = module.createNestApplication(adapter as never);
  app.useLogger(false);
  await app.listen(port, 'localhost');
  const address = (app as NestFastifyApplication).getHttpServer().address() as AddressInfo;
  url = `http://localhost:${address.port}`;
  return {
    url,
    app,
    tokens: app.get(TokenService),
    sessions: app.get(SessionService),
    dataSource: app.get(DataSource),
    events,
    close: () => app.close(),
  };
}

/** Provider and application know each other's address before either starts. */
export async function startLogin(
  database: TestDatabase,
  options: LoginAppOptions = {},
): Promise<{ provider: LoginProvider; app: LoginApp; stop: () => Promise<void> }> {
  const port = await freePort();
  const provider = await startLoginProvider(`http://localhost:${port}`);
  const app = await startLoginApp(database, provider, { ...options, port });
  return {
    provider,
    app,
    stop: async () => {
      await app.close();
      await provider.stop();
    },
  };
}
