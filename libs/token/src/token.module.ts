import { Module } from '@nestjs/common';
import { Clock, SystemClock } from './common/clock.js';
import { TokenEvents } from './common/events.js';
import { TokenLog } from './common/token.log.js';
import { Database } from './database/database.js';
import { EncryptionService } from './encryption/encryption.service.js';
import { PRINCIPAL_OF, TokenGuard } from './guard/token.guard.js';
import { TokenHttpService } from './http/token-http.service.js';
import { TokenMaintenance } from './jobs/token-maintenance.js';
import { KeyReport } from './key-report.js';
import { KeyService } from './key.service.js';
import { KeyHealth } from './keys/key-health.js';
import { KeyReports } from './keys/key-reports.js';
import { Providers } from './oauth/providers.js';
import { LineageWatch } from './refresh/lineage-watch.js';
import { ReplicaSession } from './refresh/replica-session.js';
import { Spool } from './refresh/spool.js';
import { SessionEndings } from './session-endings.js';
import { AuthorizationRows, LogoutTokenRows } from './store/authorization-rows.js';
import { ProviderStates } from './store/provider-states.js';
import { RevocationRows } from './store/revocation-rows.js';
import { SessionRows } from './store/session-rows.js';
import { TokenRows } from './store/token-rows.js';
import { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } from './token.module-definition.js';
import { resolveOptions, type ResolvedOptions } from './token.options.validation.js';
import { TokenService } from './token.service.js';
import { databaseProviders } from './wiring/database.providers.js';
import { jobProviders } from './wiring/job.providers.js';
import { keyProviders } from './wiring/key.providers.js';
import { provide } from './common/provide.js';
import { OPTIONS } from './wiring/tokens.js';
import { refreshProviders } from './wiring/refresh.providers.js';
import { tokenProviders } from './wiring/token.providers.js';

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
    ...databaseProviders,
    ...keyProviders,
    ...refreshProviders,
    ...tokenProviders,
    ...jobProviders,
    provide(PRINCIPAL_OF, [OPTIONS], ({ principal }: ResolvedOptions) => principal),
    provide(
      TokenHttpService,
      [TokenService, Providers, OPTIONS],
      (tokens: TokenService, providers: Providers, { refresh }: ResolvedOptions) =>
        new TokenHttpService(tokens, providers, refresh.cooldownSeconds),
    ),
    TokenGuard,
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
