import { type FactoryProvider, Module, type Provider as NestProvider } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { getDataSourceToken } from '@nestjs/typeorm';
import { Clock, SystemClock } from './common/clock.js';
import { isProduction } from './common/environment.js';
import { TokenEvents } from './common/events.js';
import { TokenLog } from './common/token.log.js';
import { Database } from './database/database.js';
import { sessionsOf } from './database/sessions.js';
import { SqlAuthorizationRows } from './database/sql-authorization-rows.js';
import { SqlClaims } from './database/sql-claims.js';
import { SqlDataKeyRows } from './database/sql-data-key-rows.js';
import { SqlKekRows } from './database/sql-kek-rows.js';
import { SqlKeyReports } from './database/sql-key-reports.js';
import { SqlKeyTransitions } from './database/sql-key-transitions.js';
import { SqlLineage } from './database/sql-lineage.js';
import { SqlLogoutTokenRows } from './database/sql-logout-token-rows.js';
import { SqlProviderStates } from './database/sql-provider-states.js';
import { SqlRevocationRows } from './database/sql-revocation-rows.js';
import { SqlSealedRows } from './database/sql-sealed-rows.js';
import { SqlSessionRows } from './database/sql-session-rows.js';
import { SqlTokenRows } from './database/sql-token-rows.js';
import { EncryptionService } from './encryption/encryption.service.js';
import { PRINCIPAL_OF, TokenGuard } from './guard/token.guard.js';
import { TokenHttpService } from './http/token-http.service.js';
import { CLEANUP_DEFAULTS, REVOCATION_DEFAULTS, ROTATION_DEFAULTS } from './jobs/job.options.js';
import { RefreshAhead } from './jobs/refresh-ahead.js';
import { JobScheduler, type ScheduledJob } from './jobs/job-scheduler.js';
import { TokenMaintenance } from './jobs/token-maintenance.js';
import { DataKeyRows } from './keys/data-key-rows.js';
import { KekRollout } from './keys/kek-rollout.js';
import { KekRotation } from './keys/kek-rotation.js';
import { KekRows } from './keys/kek-rows.js';
import { KeyHealth } from './keys/key-health.js';
import { KeyMaker } from './keys/key-maker.js';
import { KeyManager } from './keys/key-manager.js';
import { KeyReports } from './keys/key-reports.js';
import { KeyRing } from './keys/key-ring.js';
import { KeyTransitions } from './keys/key-transitions.js';
import { KeyWatch } from './keys/key-watch.js';
import { KeyWrapper } from './keys/key-wrapper.js';
import { KeyReport } from './key-report.js';
import { KeyService } from './key.service.js';
import { Providers } from './oauth/providers.js';
import { ClientTokens } from './on-demand/client-tokens.js';
import { ExchangedTokens } from './on-demand/exchanged-tokens.js';
import { MEMORY_ENTRIES, TokenMemory } from './on-demand/token-memory.js';
import { Claims } from './refresh/claims.js';
import { Circuits } from './refresh/circuits.js';
import { LineageWatch } from './refresh/lineage-watch.js';
import { Permits } from './refresh/permits.js';
import { AHEAD_DEFAULTS, shutdownMs } from './refresh/refresh.options.js';
import { LEASE_MS } from './refresh/policy.js';
import { RefreshDriver } from './refresh/refresh-driver.js';
import { RefreshService } from './refresh/refresh.service.js';
import { ReplicaSession } from './refresh/replica-session.js';
import { SessionConnector } from './refresh/session-connector.js';
import { Spool } from './refresh/spool.js';
import { SpoolReplay } from './refresh/spool-replay.js';
import { RevocationRun } from './revocation/revocation-run.js';
import { RevocationService } from './revocation/revocation.service.js';
import { AuthorizationRows, LogoutTokenRows } from './store/authorization-rows.js';
import { Reencryption } from './store/reencryption.js';
import { Lineage } from './store/lineage.js';
import { ProviderStates } from './store/provider-states.js';
import { RevocationRows } from './store/revocation-rows.js';
import { SealedRows } from './store/sealed-rows.js';
import { SessionRows } from './store/session-rows.js';
import { SpoolDirectory } from './store/spool-directory.js';
import { TokenRows } from './store/token-rows.js';
import { TokenStore } from './store/token-store.js';
import { SessionEndings } from './session-endings.js';
import { TokenCache } from './token.cache.js';
import { TokenLifecycle } from './token.lifecycle.js';
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } from './token.module-definition.js';
import { resolveOptions, type ResolvedOptions } from './token.options.validation.js';
import { TokenService } from './token.service.js';
import { TokenWriter } from './token.writer.js';

const DAY_MS = 86_400_000;
const OPTIONS = Symbol('tokenward resolved options');
const CACHE = Symbol('tokenward cache');
/** Seals stored tokens; the public `EncryptionService` seals what the application has. */
const TOKEN_ENCRYPTION = Symbol('tokenward token encryption');

/** The classes of this library know no Nest; here they are put together. */
function provide<T>(
  token: FactoryProvider<T>['provide'],
  inject: FactoryProvider['inject'],
  useFactory: (...args: never[]) => T,
): FactoryProvider<T> {
  return { provide: token, inject: inject ?? [], useFactory: useFactory as (...args: unknown[]) => T };
}

function scheduledJobs(
  { ahead, cleanup, revocation, rotation }: ResolvedOptions,
  maintenance: TokenMaintenance,
): ScheduledJob[] {
  return [
    ...(ahead
      ? [
          {
            name: 'tokenward-refresh-ahead',
            cron: ahead.cron,
            run: (signal: AbortSignal) => maintenance.refreshAhead({ signal }),
          },
        ]
      : []),
    ...(cleanup
      ? [{ name: 'tokenward-clean-up', cron: cleanup.cron, run: () => maintenance.cleanUp() }]
      : []),
    ...(revocation
      ? [
          {
            name: 'tokenward-revoke',
            cron: revocation.cron,
            run: (signal: AbortSignal) => maintenance.revokePending({ signal }),
          },
        ]
      : []),
    ...(rotation
      ? [
          {
            name: 'tokenward-rotation',
            cron: rotation.cron,
            run: (signal: AbortSignal) => maintenance.rotate({ signal }),
          },
        ]
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
  provide(SessionConnector, [Database, Clock], (database: Database, clock: Clock) =>
    sessionsOf(database, clock),
  ),
  provide(Claims, [Database], (database: Database) => new SqlClaims(database)),
  provide(DataKeyRows, [Database], (database: Database) => new SqlDataKeyRows(database)),
  provide(KekRows, [Database], (database: Database) => new SqlKekRows(database)),
  provide(KeyTransitions, [Database], (database: Database) => new SqlKeyTransitions(database)),
  provide(KeyReports, [Database], (database: Database) => new SqlKeyReports(database)),
  provide(SealedRows, [Database], (database: Database) => new SqlSealedRows(database)),
  provide(RevocationRows, [Database], (database: Database) => new SqlRevocationRows(database)),
  provide(ProviderStates, [Database], (database: Database) => new SqlProviderStates(database)),
  provide(Lineage, [Database], (database: Database) => new SqlLineage(database)),
  provide(SessionRows, [Database], (database: Database) => new SqlSessionRows(database)),
  provide(AuthorizationRows, [Database], (database: Database) => new SqlAuthorizationRows(database)),
  provide(LogoutTokenRows, [Database], (database: Database) => new SqlLogoutTokenRows(database)),
  provide(KeyWrapper, [OPTIONS], ({ wrapper }: ResolvedOptions) => wrapper),
];

const keys: NestProvider[] = [
  provide(
    KeyRing,
    [DataKeyRows, KeyWrapper, Clock],
    (...args: ConstructorParameters<typeof KeyRing>) => new KeyRing(...args),
  ),
  provide(
    KeyHealth,
    [DataKeyRows, KeyRing, TokenEvents, Clock],
    (...args: ConstructorParameters<typeof KeyHealth>) => new KeyHealth(...args),
  ),
  provide(
    KekRollout,
    [KekRows, KeyRing, KeyWrapper, Clock],
    (...args: ConstructorParameters<typeof KekRollout>) => new KekRollout(...args),
  ),
  provide(
    KeyMaker,
    [DataKeyRows, KeyRing, KeyWrapper, KeyHealth, KekRollout],
    (...args: ConstructorParameters<typeof KeyMaker>) => new KeyMaker(...args),
  ),
  provide(
    KeyManager,
    [DataKeyRows, KeyRing, KeyMaker, TokenEvents],
    (...args: ConstructorParameters<typeof KeyManager>) => new KeyManager(...args),
  ),
  provide(
    KekRotation,
    [KeyTransitions, KeyWrapper, KekRollout, KeyRing],
    (...args: ConstructorParameters<typeof KekRotation>) => new KekRotation(...args),
  ),
  provide(
    KeyWatch,
    [DataKeyRows, KeyRing, KeyManager, KeyWrapper, KekRollout, KeyHealth, Clock, TokenEvents],
    (
      rows: DataKeyRows,
      ring: KeyRing,
      manager: KeyManager,
      wrapper: KeyWrapper,
      rollout: KekRollout,
      health: KeyHealth,
      clock: Clock,
      events: TokenEvents,
    ) => new KeyWatch({ rows, ring, manager, wrapper, rollout, health }, clock, events),
  ),
  ...[
    { token: EncryptionService, purpose: 'application' as const },
    { token: TOKEN_ENCRYPTION, purpose: 'token' as const },
  ].map(({ token, purpose }) =>
    provide(
      token,
      [KeyManager, KeyRing, TokenEvents],
      (manager: KeyManager, ring: KeyRing, events: TokenEvents) =>
        new EncryptionService(manager, ring, events, purpose),
    ),
  ),
];

const services: NestProvider[] = [
  provide(
    TokenStore,
    [TOKEN_ENCRYPTION, TokenEvents],
    (...args: ConstructorParameters<typeof TokenStore>) => new TokenStore(...args),
  ),
  provide(
    Providers,
    [OPTIONS, Clock],
    ({ providers, refresh }: ResolvedOptions, clock: Clock) =>
      new Providers(providers, refresh.timeoutSeconds, clock),
  ),
  provide(
    RevocationService,
    [RevocationRows, TokenStore, Providers, TokenEvents],
    (...args: ConstructorParameters<typeof RevocationService>) => new RevocationService(...args),
  ),
  provide(
    RevocationRun,
    [RevocationRows, RevocationService, OPTIONS],
    (rows: RevocationRows, service: RevocationService, { revocation }: ResolvedOptions) =>
      new RevocationRun(rows, service, {
        maxAgeMs: (revocation || REVOCATION_DEFAULTS).retryDays * DAY_MS,
      }),
  ),
  provide(
    ReplicaSession,
    [SessionConnector, KekRollout, OPTIONS, Clock, TokenEvents],
    (
      connector: SessionConnector,
      { replicaId }: KekRollout,
      { refresh }: ResolvedOptions,
      clock: Clock,
      events: TokenEvents,
    ) => new ReplicaSession(connector, replicaId, refresh.liveness, clock, events),
  ),
  provide(
    Circuits,
    [ProviderStates, Clock, TokenEvents],
    (...args: ConstructorParameters<typeof Circuits>) => new Circuits(...args),
  ),
  provide(
    Permits,
    [ProviderStates, Clock],
    (...args: ConstructorParameters<typeof Permits>) => new Permits(...args),
  ),
  provide(
    LineageWatch,
    [Lineage, Providers, OPTIONS, Clock, TokenEvents],
    (
      lineage: Lineage,
      providers: Providers,
      { refresh }: ResolvedOptions,
      clock: Clock,
      events: TokenEvents,
    ) => new LineageWatch(lineage, providers, refresh.afterRestore, clock, events),
  ),
  provide(
    RefreshDriver,
    [
      TokenRows,
      TokenStore,
      Claims,
      RevocationService,
      Spool,
      ReplicaSession,
      Circuits,
      Permits,
      LineageWatch,
      Clock,
      TokenEvents,
    ],
    (
      rows: TokenRows,
      store: TokenStore,
      claims: Claims,
      outbox: RevocationService,
      spool: Spool,
      session: ReplicaSession,
      circuits: Circuits,
      permits: Permits,
      lineage: LineageWatch,
      clock: Clock,
      events: TokenEvents,
    ) =>
      new RefreshDriver(
        { rows, store, claims, outbox, spool, session, circuits, permits, lineage },
        clock,
        events,
      ),
  ),
  provide(
    Spool,
    [OPTIONS, TokenEvents],
    ({ refresh: { spoolDirectory: path } }: ResolvedOptions, events: TokenEvents) =>
      new Spool(path === null ? null : new SpoolDirectory(path), events),
  ),
  provide(
    SpoolReplay,
    [Spool, TokenRows, TokenStore, Claims, RevocationService, Clock, TokenEvents],
    (
      spool: Spool,
      rows: TokenRows,
      store: TokenStore,
      claims: Claims,
      outbox: RevocationService,
      clock: Clock,
      events: TokenEvents,
    ) => new SpoolReplay({ spool, rows, store, claims, outbox }, clock, events),
  ),
  provide(
    RefreshService,
    [Providers, RefreshDriver, OPTIONS, Circuits],
    (providers: Providers, driver: RefreshDriver, { refresh }: ResolvedOptions, circuits: Circuits) =>
      new RefreshService(providers, driver, refresh, circuits),
  ),
  provide(
    TokenWriter,
    [TokenRows, TokenStore, TokenEvents, Clock, OPTIONS, RevocationService, ReplicaSession],
    (
      rows: TokenRows,
      store: TokenStore,
      events: TokenEvents,
      clock: Clock,
      { refresh }: ResolvedOptions,
      outbox: RevocationService,
      { presences }: ReplicaSession,
    ) => new TokenWriter(rows, store, events, clock, refresh, outbox, presences),
  ),
  provide(
    CACHE,
    [OPTIONS, Clock, ReplicaSession],
    ({ cacheEntries }: ResolvedOptions, clock: Clock, { news }: ReplicaSession) =>
      cacheEntries === false ? null : new TokenCache(cacheEntries, clock, news),
  ),
  provide(
    SessionEndings,
    [SessionRows, ReplicaSession, TokenEvents],
    (rows: SessionRows, { news }: ReplicaSession, events: TokenEvents) =>
      new SessionEndings(rows, news, events),
  ),
  provide(
    ClientTokens,
    [Clock, TokenEvents, OPTIONS],
    (clock: Clock, events: TokenEvents, { cacheEntries }: ResolvedOptions) =>
      new ClientTokens(
        new TokenMemory('client_credentials', cacheEntries || MEMORY_ENTRIES, clock, events),
        clock,
      ),
  ),
  provide(
    ExchangedTokens,
    [TokenRows, Clock, TokenEvents, OPTIONS],
    (rows: TokenRows, clock: Clock, events: TokenEvents, { cacheEntries }: ResolvedOptions) =>
      new ExchangedTokens(
        new TokenMemory('token_exchange', cacheEntries || MEMORY_ENTRIES, clock, events),
        rows,
      ),
  ),
  provide(
    TokenService,
    [
      TokenRows,
      TokenStore,
      TokenWriter,
      RefreshService,
      Providers,
      CACHE,
      TokenEvents,
      ClientTokens,
      ExchangedTokens,
      SessionEndings,
    ],
    (
      rows: TokenRows,
      store: TokenStore,
      writer: TokenWriter,
      refresher: RefreshService,
      providers: Providers,
      cache: TokenCache | null,
      events: TokenEvents,
      clientTokens: ClientTokens,
      exchangedTokens: ExchangedTokens,
      endings: SessionEndings,
    ) =>
      new TokenService(rows, store, writer, refresher, providers, {
        cache,
        events,
        clientTokens,
        exchangedTokens,
        endings,
      }),
  ),
];

const keyServices: NestProvider[] = [
  provide(
    Reencryption,
    [SealedRows, TokenStore, Clock, TokenEvents, OPTIONS],
    (rows: SealedRows, store: TokenStore, clock: Clock, events: TokenEvents, { rotation }: ResolvedOptions) =>
      new Reencryption(rows, store, clock, events, {
        batchSize: (rotation || ROTATION_DEFAULTS).batchSize,
        leaseMs: LEASE_MS,
      }),
  ),
  provide(
    KeyReport,
    [KeyReports, KekRows, KekRollout, KekRotation, KeyWrapper],
    (
      reports: KeyReports,
      kekRows: KekRows,
      rollout: KekRollout,
      kekRotation: KekRotation,
      wrapper: KeyWrapper,
    ) => new KeyReport({ reports, kekRows, rollout, kekRotation, wrapper }),
  ),
  provide(
    KeyService,
    [DataKeyRows, KeyTransitions, KeyManager, KekRotation, SealedRows, KeyReport, TokenEvents, OPTIONS],
    (
      rows: DataKeyRows,
      transitions: KeyTransitions,
      manager: KeyManager,
      kekRotation: KekRotation,
      sealedRows: SealedRows,
      report: KeyReport,
      events: TokenEvents,
      { rotation }: ResolvedOptions,
    ) =>
      new KeyService({ keys: rows, transitions, manager, kekRotation, sealedRows }, report, events, {
        destroyAfterDays: (rotation || ROTATION_DEFAULTS).destroyAfterDays,
      }),
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
    RefreshAhead,
    [TokenRows, ProviderStates, RefreshService, Providers, Clock, LineageWatch],
    (...args: ConstructorParameters<typeof RefreshAhead>) => new RefreshAhead(...args),
  ),
  provide(
    TokenMaintenance,
    [
      TokenRows,
      RefreshAhead,
      KeyService,
      Reencryption,
      RevocationRun,
      LineageWatch,
      SessionEndings,
      AuthorizationRows,
      LogoutTokenRows,
      TokenEvents,
      OPTIONS,
    ],
    (
      rows: TokenRows,
      refreshAhead: RefreshAhead,
      keyService: KeyService,
      reencryption: Reencryption,
      revocations: RevocationRun,
      lineage: LineageWatch,
      endings: SessionEndings,
      authorizations: AuthorizationRows,
      logoutTokens: LogoutTokenRows,
      events: TokenEvents,
      { ahead, cleanup, rotation }: ResolvedOptions,
    ) =>
      new TokenMaintenance(
        rows,
        refreshAhead,
        keyService,
        reencryption,
        revocations,
        lineage,
        endings,
        [authorizations, logoutTokens],
        events,
        {
          retentionDays: (cleanup || CLEANUP_DEFAULTS).retentionDays,
          cleanupBatchSize: (cleanup || CLEANUP_DEFAULTS).batchSize,
          aheadBatchSize: (ahead || AHEAD_DEFAULTS).batchSize,
          dataKeyMaxAgeDays: (rotation || ROTATION_DEFAULTS).dataKeyMaxAgeDays,
        },
      ),
  ),
  provide(
    JobScheduler,
    [{ token: SchedulerRegistry, optional: true }, OPTIONS, TokenMaintenance],
    (registry: SchedulerRegistry | undefined, resolved: ResolvedOptions, maintenance: TokenMaintenance) =>
      new JobScheduler(registry, scheduledJobs(resolved, maintenance)),
  ),
  provide(
    TokenLifecycle,
    [
      Database,
      KeyWatch,
      JobScheduler,
      RefreshService,
      Clock,
      SpoolReplay,
      ReplicaSession,
      LineageWatch,
      OPTIONS,
    ],
    (
      database: Database,
      watch: KeyWatch,
      scheduler: JobScheduler,
      refresher: RefreshService,
      clock: Clock,
      replay: SpoolReplay,
      session: ReplicaSession,
      lineage: LineageWatch,
      { refresh }: ResolvedOptions,
    ) =>
      new TokenLifecycle(
        database,
        watch,
        scheduler,
        refresher,
        clock,
        replay,
        session,
        lineage,
        shutdownMs(refresh),
      ),
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
    ...keyServices,
    ...edges,
  ],
  exports: [
    TokenService,
    EncryptionService,
    KeyService,
    TokenHttpService,
    TokenMaintenance,
    TokenGuard,
    PRINCIPAL_OF,
    TokenEvents,
    TokenRows,
    KeyHealth,
    KeyReport,
    KeyReports,
    Spool,
    RevocationRows,
    ProviderStates,
    Providers,
    AuthorizationRows,
    LogoutTokenRows,
    Database,
    ReplicaSession,
    LineageWatch,
    SessionRows,
    SessionEndings,
    Clock,
  ],
})
export class TokenModule extends ConfigurableModuleClass {}
