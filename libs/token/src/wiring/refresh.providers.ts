import type { Provider } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { TokenEvents } from '../common/events.js';
import { REVOCATION_DEFAULTS } from '../jobs/job.options.js';
import { KekRollout } from '../keys/kek-rollout.js';
import { Providers } from '../oauth/providers.js';
import { Circuits } from '../refresh/circuits.js';
import { Claims } from '../refresh/claims.js';
import { LineageWatch } from '../refresh/lineage-watch.js';
import { Permits } from '../refresh/permits.js';
import { RefreshDriver } from '../refresh/refresh-driver.js';
import { RefreshService } from '../refresh/refresh.service.js';
import { ReplicaSession } from '../refresh/replica-session.js';
import { SessionConnector } from '../refresh/session-connector.js';
import { SpoolReplay } from '../refresh/spool-replay.js';
import { Spool } from '../refresh/spool.js';
import { RevocationRun } from '../revocation/revocation-run.js';
import { RevocationService } from '../revocation/revocation.service.js';
import { Lineage } from '../store/lineage.js';
import { ProviderStates } from '../store/provider-states.js';
import { RevocationRows } from '../store/revocation-rows.js';
import { SpoolDirectory } from '../store/spool-directory.js';
import { TokenRows } from '../store/token-rows.js';
import { TokenStore } from '../store/token-store.js';
import type { ResolvedOptions } from '../token.options.validation.js';
import { provide } from '../common/provide.js';
import { OPTIONS } from './tokens.js';

const DAY_MS = 86_400_000;

/** The providers, and everything between a stored refresh token and its exchange. */
export const refreshProviders: Provider[] = [
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
];
