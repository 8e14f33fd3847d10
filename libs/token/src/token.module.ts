import { type FactoryProvider, Module, type Provider as NestProvider } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { getDataSourceToken } from '@nestjs/typeorm';
import { Clock, SystemClock } from './common/clock.js';
import { isProduction } from './common/environment.js';
import { TokenEvents } from './common/events.js';
import { TokenLog } from './common/token.log.js';
import { Database } from './database/database.js';
import { SqlClaims } from './database/sql-claims.js';
import { SqlDataKeyRows } from './database/sql-data-key-rows.js';
import { SqlTokenRows } from './database/sql-token-rows.js';
import { EncryptionService } from './encryption/encryption.service.js';
import { PRINCIPAL_OF, TokenGuard } from './guard/token.guard.js';
import { TokenHttpService } from './http/token-http.service.js';
import { CLEANUP_DEFAULTS } from './jobs/job.options.js';
import { JobScheduler, type ScheduledJob } from './jobs/job-scheduler.js';
import { TokenMaintenance } from './jobs/token-maintenance.js';
import { DataKeyRows } from './keys/data-key-rows.js';
import { KeyHealth } from './keys/key-health.js';
import { KeyManager } from './keys/key-manager.js';
import { KeyWrapper } from './keys/key-wrapper.js';
import { KeyRing } from './keys/key-ring.js';
import { Providers } from './oauth/providers.js';
import { Claims } from './refresh/claims.js';
import { AHEAD_DEFAULTS } from './refresh/refresh.options.js';
import { RefreshAttempt } from './refresh/refresh-attempt.js';
import { RefreshService } from './refresh/refresh.service.js';
import { TokenRows } from './store/token-rows.js';
import { TokenStore } from './store/token-store.js';
import { TokenCache } from './token.cache.js';
import { TokenLifecycle } from './token.lifecycle.js';
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } from './token.module-definition.js';
import { resolveOptions, type ResolvedOptions } from './token.options.validation.js';
import { TokenService } from './token.service.js';
import { TokenWriter } from './token.writer.js';

const OPTIONS = Symbol('tokenward resolved options');
const CACHE = Symbol('tokenward cache');

/** The classes of this library know no Nest; here they are put together. */
function provide<T>(
  token: FactoryProvider<T>['provide'],
  inject: FactoryProvider['inject'],
  useFactory: (...args: never[]) => T,
): FactoryProvider<T> {
  return { provide: token, inject: inject ?? [], useFactory: useFactory as (...args: unknown[]) => T };
}

function scheduledJobs({ ahead, cleanup }: ResolvedOptions, maintenance: TokenMaintenance): ScheduledJob[] {
  return [
    ...(ahead
      ? [{ name: 'tokenward-refresh-ahead', cron: ahead.cron, run: () => maintenance.refreshAhead() }]
      : []),
    ...(cleanup
      ? [{ name: 'tokenward-clean-up', cron: cleanup.cron, run: () => maintenance.cleanUp() }]
      : []),
  ];
}

const ports: NestProvider[] = [
  provide(
    Database,
    [{ token: getDataSourceToken(), optional: true }],
    (dataSource: ConstructorParameters<typeof Database>[0]) => new Database(dataSource, isProduction()),
  ),
  provide(TokenRows, [Database], (database: Database) => new SqlTokenRows(database)),
  provide(Claims, [Database], (database: Database) => new SqlClaims(database)),
  provide(DataKeyRows, [Database], (database: Database) => new SqlDataKeyRows(database)),
  provide(KeyWrapper, [OPTIONS], ({ wrapper }: ResolvedOptions) => wrapper),
];

const keys: NestProvider[] = [
  provide(
    KeyRing,
    [DataKeyRows, KeyWrapper],
    (rows: DataKeyRows, wrapper: KeyWrapper) => new KeyRing(rows, wrapper),
  ),
  provide(
    KeyHealth,
    [DataKeyRows, KeyRing, TokenEvents, Clock],
    (...args: ConstructorParameters<typeof KeyHealth>) => new KeyHealth(...args),
  ),
  provide(
    KeyManager,
    [DataKeyRows, KeyRing, KeyWrapper, KeyHealth, TokenEvents],
    (...args: ConstructorParameters<typeof KeyManager>) => new KeyManager(...args),
  ),
  provide(
    EncryptionService,
    [KeyManager, KeyRing, TokenEvents],
    (...args: ConstructorParameters<typeof EncryptionService>) => new EncryptionService(...args),
  ),
];

const services: NestProvider[] = [
  provide(
    TokenStore,
    [EncryptionService, TokenEvents],
    (...args: ConstructorParameters<typeof TokenStore>) => new TokenStore(...args),
  ),
  provide(
    Providers,
    [OPTIONS],
    ({ providers, refresh }: ResolvedOptions) => new Providers(providers, refresh.timeoutSeconds),
  ),
  provide(
    RefreshAttempt,
    [Claims, TokenStore, Clock, TokenEvents, OPTIONS],
    (claims: Claims, store: TokenStore, clock: Clock, events: TokenEvents, { refresh }: ResolvedOptions) =>
      new RefreshAttempt(claims, store, clock, events, refresh),
  ),
  provide(
    RefreshService,
    [TokenRows, TokenStore, Providers, Claims, RefreshAttempt, Clock],
    (...args: ConstructorParameters<typeof RefreshService>) => new RefreshService(...args),
  ),
  provide(
    TokenWriter,
    [TokenRows, TokenStore, TokenEvents, Clock, OPTIONS],
    (rows: TokenRows, store: TokenStore, events: TokenEvents, clock: Clock, { refresh }: ResolvedOptions) =>
      new TokenWriter(rows, store, events, clock, refresh),
  ),
  provide(CACHE, [OPTIONS, Clock], ({ cacheEntries }: ResolvedOptions, clock: Clock) =>
    cacheEntries === false ? null : new TokenCache(cacheEntries, clock),
  ),
  provide(
    TokenService,
    [TokenRows, TokenStore, TokenWriter, RefreshService, Providers, CACHE, TokenEvents],
    (
      rows: TokenRows,
      store: TokenStore,
      writer: TokenWriter,
      refresher: RefreshService,
      providers: Providers,
      cache: TokenCache | null,
      events: TokenEvents,
    ) => new TokenService(rows, store, writer, refresher, providers, { cache, events }),
  ),
];

const edges: NestProvider[] = [
  provide(PRINCIPAL_OF, [OPTIONS], ({ principal }: ResolvedOptions) => principal),
  provide(
    TokenHttpService,
    [TokenService, Providers, OPTIONS],
    (tokens: TokenService, providers: Providers, { refresh }: ResolvedOptions) =>
      new TokenHttpService(tokens, providers, refresh.cooldownSeconds),
  ),
  provide(
    TokenMaintenance,
    [TokenRows, RefreshService, TokenEvents, OPTIONS],
    (
      rows: TokenRows,
      refresher: RefreshService,
      events: TokenEvents,
      { ahead, cleanup, providers }: ResolvedOptions,
    ) =>
      new TokenMaintenance(rows, refresher, events, {
        retentionDays: (cleanup || CLEANUP_DEFAULTS).retentionDays,
        cleanupBatchSize: (cleanup || CLEANUP_DEFAULTS).batchSize,
        providers: Object.keys(providers),
        aheadBatchSize: (ahead || AHEAD_DEFAULTS).batchSize,
      }),
  ),
  provide(
    JobScheduler,
    [{ token: SchedulerRegistry, optional: true }, OPTIONS, TokenMaintenance],
    (registry: SchedulerRegistry | undefined, resolved: ResolvedOptions, maintenance: TokenMaintenance) =>
      new JobScheduler(registry, scheduledJobs(resolved, maintenance)),
  ),
  provide(
    TokenLifecycle,
    [Database, KeyHealth, JobScheduler, RefreshService, Clock],
    (...args: ConstructorParameters<typeof TokenLifecycle>) => new TokenLifecycle(...args),
  ),
  TokenGuard,
];

/**
 * Token management for a NestJS application. Import it once, with `forRoot` or `forRootAsync`, beside
 * `TypeOrmModule.forRoot()` (with `tokenEntities` and `tokenMigrations`) and `ScheduleModule.forRoot()`. Global unless
 * `isGlobal: false`. Faults in the options end the start-up with one `TokenConfigurationError` that lists them all.
 */
@Module({
  providers: [
    provide(OPTIONS, [MODULE_OPTIONS_TOKEN], resolveOptions),
    { provide: Clock, useClass: SystemClock },
    TokenEvents,
    provide(TokenLog, [TokenEvents], (events: TokenEvents) => new TokenLog(events)),
    ...ports,
    ...keys,
    ...services,
    ...edges,
  ],
  exports: [
    TokenService,
    EncryptionService,
    TokenHttpService,
    TokenMaintenance,
    TokenGuard,
    PRINCIPAL_OF,
    TokenEvents,
    TokenRows,
    KeyHealth,
    Database,
    Clock,
  ],
})
export class TokenModule extends ConfigurableModuleClass {}
