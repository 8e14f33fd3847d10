import { randomBytes } from 'node:crypto';
import type { DynamicModule, INestApplicationContext, LoggerService, ModuleMetadata } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  EncryptionService,
  KeyService,
  tokenEntities,
  TokenEvents,
  TokenMaintenance,
  tokenMigrations,
  TokenModule,
  type TokenEvent,
  type TokenModuleOptions,
  TokenService,
} from '@tokenward/nestjs';
import { DataSource } from 'typeorm';
import type { TestDatabase } from './database.js';
import type { TestProvider } from './provider.js';

const silent = (): void => undefined;
export const SILENT: LoggerService = { log: silent, error: silent, warn: silent, debug: silent };

/** The name under which tests configure the test provider. */
export const PROVIDER = 'acme';

export const freshKeyring = (id = '1'): string => `${id}:${randomBytes(32).toString('base64')}`;

export function providerOptions(provider: TestProvider): TokenModuleOptions['providers'][string] {
  return {
    issuer: provider.issuer,
    clientId: provider.clientId,
    clientSecret: provider.clientSecret,
    apiOrigins: [provider.apiOrigin],
    allowInsecureRequests: true,
  };
}

/** Jobs are called by hand in tests, and every read comes from the database unless a test says otherwise. */
export function tokenOptions(
  provider: TestProvider,
  more: Partial<TokenModuleOptions> = {},
): TokenModuleOptions {
  return {
    providers: { [PROVIDER]: providerOptions(provider) },
    encryption: { keyring: freshKeyring() },
    refresh: { ahead: false, ...more.refresh },
    cleanup: false,
    revocation: false,
    rotation: false,
    cache: false,
    ...more,
  };
}

export function databaseModule(database: Pick<TestDatabase, 'options'>, migrationsRun = true): DynamicModule {
  return TypeOrmModule.forRoot({
    ...database.options,
    entities: [...tokenEntities],
    migrations: [...tokenMigrations],
    migrationsRun,
    retryAttempts: 0,
  });
}

/** One replica: an application that imports TokenModule as a user would. */
export interface Replica {
  module: TestingModule;
  tokens: TokenService;
  encryption: EncryptionService;
  keys: KeyService;
  maintenance: TokenMaintenance;
  dataSource: DataSource;
  events: TokenEvent[];
  close(): Promise<void>;
}

export async function startReplica(
  database: TestDatabase,
  options: TokenModuleOptions,
  extra: ModuleMetadata = {},
): Promise<Replica> {
  const module = await Test.createTestingModule({
    ...extra,
    imports: [
      databaseModule(database),
      ScheduleModule.forRoot(),
      TokenModule.forRootAsync({ useFactory: () => options }),
      ...(extra.imports ?? []),
    ],
  })
    .setLogger(SILENT)
    .compile();
  const events: TokenEvent[] = [];
  module.get(TokenEvents).stream.subscribe((event) => events.push(event));
  await module.init();
  return replicaOf(module, events);
}

function replicaOf(module: TestingModule, events: TokenEvent[]): Replica {
  const get = <T>(token: abstract new (...args: never[]) => T): T =>
    (module as INestApplicationContext).get(token as never);
  return {
    module,
    tokens: get(TokenService),
    encryption: get(EncryptionService),
    keys: get(KeyService),
    maintenance: get(TokenMaintenance),
    dataSource: get(DataSource),
    events,
    close: () => module.close(),
  };
}
