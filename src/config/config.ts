import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { adminPasswordFrom, type AdminPassword } from './admin-password.js';
import { ConfigurationError } from './configuration.error.js';
import { defaultDatabaseUrl } from './database-environment.js';
import { databaseOptions } from './database-url.js';
import { readEnvironment, type Environment } from './environment.js';
import { keyringFrom, type Keyring } from './keyring.js';
import { readProvidersFile, type AppProviders } from './providers-file.js';

/** Everything the app was told, checked, with defaults in place. */
export interface Config {
  production: boolean;
  host: string;
  port: number;
  /** Null: the address that the app listens on. */
  publicUrl: string | null;
  /** Browsers reach it over HTTPS, as always in production. */
  overHttps: boolean;
  trustProxy: string | false;
  logLevel: NonNullable<Environment['LOG_LEVEL']>;
  database: DataSourceOptions;
  databaseName: string;
  keyring: Keyring;
  /** Null: answers of providers that cannot be stored wait in memory only. */
  spoolDirectory: string | null;
  /** Null: there is no admin area. */
  admin: AdminPassword | null;
  /** Null: the provider that the app brings along. */
  providers: AppProviders | null;
  local: { providerPort: number; apiPort: number; accessTokenTtlSeconds: number };
}

/** @throws ConfigurationError with every fault */
export function readConfig(source?: NodeJS.ProcessEnv): Config {
  const { environment, faults } = readEnvironment(source);
  const file =
    environment.PROVIDERS_FILE === undefined ? null : readProvidersFile(environment.PROVIDERS_FILE);
  if (file) faults.push(...file.faults);
  if (faults.length > 0) throw new ConfigurationError(faults);

  const production = environment.NODE_ENV === 'production';
  const url = environment.DATABASE_URL ?? defaultDatabaseUrl(environment.DATA_DIRECTORY);
  return {
    production,
    host: environment.HOST ?? (production ? '0.0.0.0' : 'localhost'),
    port: environment.PORT,
    publicUrl: environment.PUBLIC_URL ?? null,
    overHttps: environment.PUBLIC_URL?.startsWith('https:') ?? false,
    trustProxy: environment.TRUST_PROXY ?? false,
    logLevel: environment.LOG_LEVEL ?? (production ? 'log' : 'warn'),
    database: databaseOptions(url),
    databaseName: url.startsWith('sqlite:')
      ? url.slice('sqlite:'.length)
      : new URL(url).protocol.slice(0, -1),
    keyring: keyringFrom(environment),
    spoolDirectory:
      environment.SPOOL_DIRECTORY ?? (production ? null : join(environment.DATA_DIRECTORY, 'spool')),
    admin: adminPasswordFrom(environment),
    providers: file?.providers ?? null,
    local: {
      providerPort: environment.LOCAL_PROVIDER_PORT,
      apiPort: environment.LOCAL_API_PORT,
      accessTokenTtlSeconds: environment.LOCAL_ACCESS_TOKEN_SECONDS,
    },
  };
}
