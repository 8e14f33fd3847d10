import type { Provider } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Clock } from '../common/clock.js';
import { TokenEvents } from '../common/events.js';
import { Database } from '../database/database.js';
import { JobScheduler } from '../jobs/job-scheduler.js';
import { CLEANUP_DEFAULTS, ROTATION_DEFAULTS } from '../jobs/job.options.js';
import { RefreshAhead } from '../jobs/refresh-ahead.js';
import { scheduledJobs } from '../jobs/scheduled-jobs.js';
import { TokenMaintenance } from '../jobs/token-maintenance.js';
import { KeyService } from '../key.service.js';
import { KeyWatch } from '../keys/key-watch.js';
import { Providers } from '../oauth/providers.js';
import { LineageWatch } from '../refresh/lineage-watch.js';
import { AHEAD_DEFAULTS, shutdownMs } from '../refresh/refresh.options.js';
import { RefreshService } from '../refresh/refresh.service.js';
import { ReplicaSession } from '../refresh/replica-session.js';
import { SpoolReplay } from '../refresh/spool-replay.js';
import { RevocationRun } from '../revocation/revocation-run.js';
import { SessionEndings } from '../session-endings.js';
import { AuthorizationRows, LogoutTokenRows } from '../store/authorization-rows.js';
import { ProviderStates } from '../store/provider-states.js';
import { Reencryption } from '../store/reencryption.js';
import { TokenRows } from '../store/token-rows.js';
import { TokenLifecycle } from '../token.lifecycle.js';
import type { ResolvedOptions } from '../token.options.validation.js';
import { provide } from '../common/provide.js';
import { OPTIONS } from './tokens.js';

/** What runs on its own, from start-up to shutdown. */
export const jobProviders: Provider[] = [
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
];
