import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  TokenEntity,
  tokenEntities,
  tokenMigrations,
  TokenModule,
  type TokenModuleOptions,
} from '@tokenward/nestjs';
import { AuthorizationModule, type AuthorizationModuleOptions } from '@tokenward/nestjs/authorization';
import { TokenHealthModule } from '@tokenward/nestjs/health';
import { TokenMetricsModule } from '@tokenward/nestjs/metrics';
import { SessionModule } from '@tokenward/nestjs/session';
import { adminArea } from './admin/admin.area.js';
import { ApiController } from './api/api.controller.js';
import { ApiProxy } from './api/api.proxy.js';
import { EndedSessions } from './api/ended-sessions.js';
import { ListedApis } from './api/listed-apis.js';
import { userOf } from './auth/user-of.js';
import type { Config } from './config/config.js';
import type { AppProviders } from './config/providers-file.js';
import { BurstController } from './connections/burst.controller.js';
import { ConnectionsController } from './connections/connections.controller.js';
import { StoredColumns } from './connections/stored-columns.js';
import { DemoController } from './local/demo.controller.js';
import { LocalServices } from './local/local.services.js';
import { TokenController } from './local/token.controller.js';
import { ProviderDirectory } from './providers/provider-directory.js';
import { OFFER, ProvidersController } from './providers/providers.controller.js';
import { messagePage } from './web/message-page.js';
import { PageController } from './web/page.controller.js';
import { ProblemFilter } from './web/problem.filter.js';
import { PublicUrl } from './web/public-url.js';

const controllers: Type[] = [
  ProvidersController,
  ConnectionsController,
  BurstController,
  ApiController,
  PageController,
];

/** Tokens that live for seconds are watched every second, keys nearly so; others need no more than the library's default. */
function tokenOptions({ keyring, providers, spoolDirectory }: Config, all: AppProviders): TokenModuleOptions {
  return {
    providers: Object.fromEntries(Object.entries(all).map(([name, { options }]) => [name, options])),
    encryption: { keyring: keyring.keyring },
    refresh: {
      ...(spoolDirectory !== null && { spoolDirectory }),
      ...(providers === null && { ahead: { cron: '* * * * * *' }, cooldownSeconds: 1 }),
    },
    ...(providers === null && {
      rotation: { cron: '*/10 * * * * *' },
    }),
  };
}

const authorizationOptions = ({ overHttps }: Config, publicUrl: PublicUrl): AuthorizationModuleOptions => ({
  publicUrl: () => publicUrl.to('/'),
  userOf,
  page: ({ title, text }) => messagePage(title, text),
  allowInsecureRequests: !overHttps,
});

const sessionSeconds = 8 * 3600;

@Module({})
export class AppModule {
  /** `local`: the providers that come along, where none are configured. */
  static with(config: Config, providers: AppProviders, local: LocalServices | null): DynamicModule {
    const isLocal = local !== null;
    const admin = adminArea(config.admin?.password);
    const publicUrl = new PublicUrl(config.publicUrl);
    return {
      module: AppModule,
      imports: [
        ScheduleModule.forRoot(),
        TypeOrmModule.forRoot({
          ...config.database,
          entities: [...tokenEntities],
          migrations: [...tokenMigrations],
          // Replicas that start together must not race; in production one command does it, before they start.
          migrationsRun: !config.production,
          retryAttempts: config.production ? 10 : 0,
        }),
        TypeOrmModule.forFeature([TokenEntity]),
        TokenModule.forRoot(tokenOptions(config, providers)),
        SessionModule.forRoot({
          idleSeconds: sessionSeconds,
          absoluteSeconds: sessionSeconds,
          cookie: { persistent: true },
          allowInsecureRequests: !config.overHttps,
        }),
        AuthorizationModule.forRoot(authorizationOptions(config, publicUrl)),
        TokenHealthModule,
        TokenMetricsModule,
      ],
      controllers: [
        ...(isLocal ? [TokenController, DemoController] : []),
        ...admin.controllers,
        ...controllers,
      ],
      providers: [
        ...admin.providers,
        ...(isLocal ? [{ provide: LocalServices, useValue: local }] : []),
        // Where everything is for trying out, its user is its operator, too.
        { provide: OFFER, useValue: { operatorPage: isLocal ? '/admin' : null, demo: isLocal } },
        { provide: ProviderDirectory, useValue: new ProviderDirectory(providers) },
        { provide: PublicUrl, useValue: publicUrl },
        { provide: APP_FILTER, useClass: ProblemFilter },
        ApiProxy,
        EndedSessions,
        ListedApis,
        StoredColumns,
      ],
    };
  }
}
