import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { getOrCreateMetric } from '@willsoto/nestjs-prometheus';
import { type Counter, type Gauge, type Histogram, register } from 'prom-client';
import { Clock } from '../common/clock.js';
import { type TokenEvent, TokenEvents } from '../common/events.js';
import { KeyReports } from '../keys/key-reports.js';
import { type ProviderState, ProviderStates } from '../store/provider-states.js';
import { LineageWatch } from '../refresh/lineage-watch.js';
import { SessionRows } from '../store/session-rows.js';
import { RevocationRows } from '../store/revocation-rows.js';
import { TokenRows } from '../store/token-rows.js';

/** Counting reads the whole table, so a scrape may see counts of this age. */
const COUNTS_TTL_MS = 30_000;
const TOKENS = 'tokenward_tokens';
const DATA_KEYS = 'tokenward_data_keys';

const counter = (name: string, help: string, labelNames: string[]): Counter =>
  getOrCreateMetric('Counter', { name, help, labelNames }) as Counter;

/** Turns events into metrics. Labels are configured names and fixed words, never a user or a tenant. */
@Injectable()
export class TokenCollectors implements OnModuleDestroy {
  private readonly refreshes = counter('tokenward_refreshes_total', 'Refreshes by provider and outcome.', [
    'provider',
    'outcome',
  ]);
  private readonly refusals = counter(
    'tokenward_refreshes_refused_total',
    'Refreshes that were not tried, by provider and reason: circuit_open, rate_limited or held_after_restore.',
    ['provider', 'reason'],
  );
  private readonly circuitOpenings = counter(
    'tokenward_circuit_openings_total',
    'Times that this process has found a provider to be down and opened its circuit.',
    ['provider'],
  );
  private readonly reads = counter(
    'tokenward_token_reads_total',
    'Access tokens handed out, by source: cache, database or refresh.',
    ['source'],
  );
  private readonly tokenRequests = counter(
    'tokenward_token_requests_total',
    'Requests for client tokens and token exchanges by provider, grant and outcome.',
    ['provider', 'grant', 'outcome'],
  );
  private readonly authorizations = counter(
    'tokenward_authorizations_total',
    'Log-ins and connections by provider and outcome: started, logged_in, connected, or why not.',
    ['provider', 'outcome'],
  );
  private readonly logoutTokens = counter(
    'tokenward_logout_tokens_total',
    'Logout tokens of providers by outcome: accepted, refused or failed.',
    ['outcome'],
  );
  private readonly jobRuns = counter('tokenward_job_runs_total', 'Runs of scheduled jobs by outcome.', [
    'job',
    'outcome',
  ]);
  private readonly jobRows = counter('tokenward_job_rows_total', 'Rows that scheduled jobs have processed.', [
    'job',
  ]);
  private readonly decryptionFailures = counter(
    'tokenward_decryption_failures_total',
    'Stored values that could not be opened, by reason.',
    ['reason'],
  );
  private readonly encryptionFailures = counter(
    'tokenward_encryption_failures_total',
    'Tokens that could not be sealed and were not stored, by reason.',
    ['reason'],
  );
  private readonly reauthorizations = counter(
    'tokenward_reauthorizations_required_total',
    'Sessions that only a new log-in of the user can continue.',
    ['provider'],
  );
  private readonly revocationFailures = counter(
    'tokenward_revocation_failures_total',
    'Tokens that were erased here but not revoked at the provider.',
    ['provider'],
  );
  private readonly revocations = counter(
    'tokenward_revocations_total',
    'Tries to revoke a token at its provider, by outcome.',
    ['provider', 'outcome'],
  );
  private readonly pendingRevocations = getOrCreateMetric('Gauge', {
    name: 'tokenward_revocations_pending',
    help: 'Tokens that are erased here and wait for their revocation at the provider; at most 30 seconds old.',
    labelNames: ['provider'],
  }) as Gauge;
  private readonly sessionsStarted = counter(
    'tokenward_sessions_started_total',
    'Sessions of users that this process has started or tied.',
    [],
  );
  private readonly sessionsEnded = counter(
    'tokenward_sessions_ended_total',
    'Sessions of users that this process has ended, by reason.',
    ['reason'],
  );
  private readonly hostSessionsKept = counter(
    'tokenward_host_sessions_kept_total',
    'Tries of the application to destroy a session of its own that have failed; each is repeated for a day.',
    [],
  );
  private readonly liveSessions = getOrCreateMetric('Gauge', {
    name: 'tokenward_sessions',
    help: 'Live sessions of users, in the whole database; at most 30 seconds old.',
  }) as Gauge;
  private readonly keysReady = getOrCreateMetric('Gauge', {
    name: 'tokenward_keys_ready',
    help: '1 while the keys in the database can be opened, else 0.',
  }) as Gauge;
  private readonly keyChanges = counter(
    'tokenward_data_key_changes_total',
    'Changes of data keys, by new state.',
    ['state'],
  );
  private readonly reencrypted = counter(
    'tokenward_reencrypted_rows_total',
    'Rows that this process has moved to another data key.',
    [],
  );
  private readonly lagging = counter(
    'tokenward_lagging_writes_total',
    'Rows that a replica has sealed under a data key after its rotation, found when they were moved.',
    [],
  );
  private readonly quarantined = counter(
    'tokenward_quarantined_rows_total',
    'Rows that re-encryption could not open and has left as they are, by reason.',
    ['reason'],
  );
  private readonly fencedWrites = counter(
    'tokenward_fenced_writes_total',
    'Writes that the database has refused because their data key was retired; they were sealed again.',
    [],
  );
  private readonly rowsLeft = getOrCreateMetric('Gauge', {
    name: 'tokenward_reencryption_rows_left',
    help: 'Rows under replaced data keys, by whether re-encryption can move them; at most 30 seconds old.',
    labelNames: ['state'],
  }) as Gauge;
  private readonly keysDegraded = getOrCreateMetric('Gauge', {
    name: 'tokenward_keys_degraded',
    help: '1 while the key service does not answer and keys in memory go on serving, else 0.',
  }) as Gauge;
  private readonly keyringFault = getOrCreateMetric('Gauge', {
    name: 'tokenward_keyring_fault',
    help: '1 while a key-encryption key of this replica cannot be used, or its keyring file cannot be read, else 0.',
  }) as Gauge;
  private readonly spoolEntries = getOrCreateMetric('Gauge', {
    name: 'tokenward_spool_entries',
    help: 'Files in the spool directory of this replica, by state; at most 5 seconds old.',
    labelNames: ['state'],
  }) as Gauge;
  private readonly spoolFault = getOrCreateMetric('Gauge', {
    name: 'tokenward_spool_fault',
    help: '1 while the spool directory of this replica cannot be written to, else 0.',
  }) as Gauge;
  private readonly spooledAnswers = counter(
    'tokenward_spooled_answers_total',
    'Answers of providers that the database did not take at once, by what became of them.',
    ['provider', 'outcome'],
  );
  private readonly sessionUp = getOrCreateMetric('Gauge', {
    name: 'tokenward_replica_session_up',
    help: '1 while the claims of this replica rest on a session lock, 0 while they are leases or cannot be made.',
  }) as Gauge;
  private readonly restores = counter(
    'tokenward_restores_detected_total',
    'Times that this process has found a restored backup or a failover, for all replicas.',
    [],
  );
  private readonly restoreBlind = getOrCreateMetric('Gauge', {
    name: 'tokenward_restore_detection_blind',
    help: '1 while a restored backup or a failover would go unnoticed on this replica, else 0.',
  }) as Gauge;
  private readonly heldTokens = getOrCreateMetric('Gauge', {
    name: 'tokenward_tokens_held',
    help: 'Token sets that are not refreshed since a restored backup or a failover; at most 30 seconds old.',
    labelNames: ['provider'],
  }) as Gauge;
  private readonly refreshSeconds = getOrCreateMetric('Histogram', {
    name: 'tokenward_refresh_duration_seconds',
    help: 'Seconds that a provider took to answer a refresh.',
    labelNames: ['provider'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  }) as Histogram;
  private readonly dataKeys: Gauge;
  readonly #subscription;
  readonly #tokens;
  readonly #stateGauges: { name: string; gauge: Gauge }[];
  #countedAt = -Infinity;

  constructor(
    @Inject(TokenEvents) events: TokenEvents,
    @Inject(TokenRows) private readonly rows: TokenRows,
    @Inject(KeyReports) private readonly reports: KeyReports,
    @Inject(RevocationRows) private readonly outbox: RevocationRows,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(ProviderStates) private readonly states: ProviderStates,
    @Inject(LineageWatch) private readonly lineage: LineageWatch,
    @Inject(SessionRows) private readonly sessions: SessionRows,
  ) {
    this.#subscription = events.stream.subscribe((event) => this.count(event));
    // A gauge of an application that was closed in this process would ask its closed database.
    register.removeSingleMetric(TOKENS);
    this.dataKeys = getOrCreateMetric('Gauge', {
      name: DATA_KEYS,
      help: 'Data keys by state; at most 30 seconds old.',
      labelNames: ['state'],
    }) as Gauge;
    this.#stateGauges = [
      this.stateGauge(
        'tokenward_provider_circuit_open',
        '1 while a provider is left alone by all replicas but for probes, else 0.',
        ({ circuit }) => (circuit.probeAfter === null ? 0 : 1),
      ),
      this.stateGauge(
        'tokenward_provider_retry_seconds',
        'Seconds until a provider that is left alone is asked again; 0 while it is asked.',
        ({ circuit, now }) =>
          circuit.probeAfter === null ? 0 : Math.max(0, (circuit.probeAfter - now) / 1000),
      ),
    ];
    const countRows = (gauge: Gauge): Promise<void> => this.countRows(gauge);
    this.#tokens = getOrCreateMetric('Gauge', {
      name: TOKENS,
      help: 'Stored token sets by status, in the whole database; at most 30 seconds old.',
      labelNames: ['status'],
      async collect() {
        await countRows(this as unknown as Gauge);
      },
    });
  }

  onModuleDestroy(): void {
    this.#subscription.unsubscribe();
    for (const { name, gauge } of this.#stateGauges)
      if (register.getSingleMetric(name) === gauge) register.removeSingleMetric(name);
    if (register.getSingleMetric(TOKENS) === this.#tokens) register.removeSingleMetric(TOKENS);
  }

  /** Read at the scrape: what was true half a minute ago is no news of an outage. */
  private stateGauge(name: string, help: string, valueOf: (state: ProviderState) => number) {
    register.removeSingleMetric(name);
    const { states } = this;
    const made = getOrCreateMetric('Gauge', {
      name,
      help,
      labelNames: ['provider'],
      async collect() {
        const gauge = this as unknown as Gauge;
        gauge.reset();
        const known = await states.list().catch(() => []);
        for (const state of known) gauge.set({ provider: state.provider }, valueOf(state));
      },
    }) as Gauge;
    return { name, gauge: made };
  }

  private async countRows(tokens: Gauge): Promise<void> {
    const now = this.clock.monotonic();
    if (now - this.#countedAt < COUNTS_TTL_MS) return;
    try {
      for (const [status, count] of Object.entries(await this.rows.countByStatus()))
        tokens.set({ status }, count);
      for (const [state, count] of Object.entries(await this.reports.countByState()))
        this.dataKeys.set({ state }, count);
      const { rows, quarantinedRows } = await this.reports.countRows('decrypt_only');
      this.rowsLeft.set({ state: 'movable' }, rows - quarantinedRows);
      this.rowsLeft.set({ state: 'quarantined' }, quarantinedRows);
      const pending = await this.outbox.countByProvider();
      this.pendingRevocations.reset();
      for (const [provider, count] of Object.entries(pending))
        this.pendingRevocations.set({ provider }, count);
      const held = await this.lineage.countHeld();
      this.heldTokens.reset();
      for (const [provider, count] of Object.entries(held)) this.heldTokens.set({ provider }, count);
      this.liveSessions.set(await this.sessions.countLive());
      this.#countedAt = now;
    } catch {
      // No number rather than a wrong one; the other metrics are needed most while the database is away.
      for (const gauge of [
        tokens,
        this.dataKeys,
        this.rowsLeft,
        this.pendingRevocations,
        this.heldTokens,
        this.liveSessions,
      ])
        gauge.reset();
    }
  }

  private count(event: TokenEvent): void {
    switch (event.type) {
      case 'refresh':
        this.refreshes.inc({ provider: event.provider, outcome: event.outcome });
        this.refreshSeconds.observe({ provider: event.provider }, event.durationSeconds);
        break;
      case 'refresh_refused':
        this.refusals.inc({ provider: event.provider, reason: event.reason });
        break;
      case 'circuit_opened':
        this.circuitOpenings.inc({ provider: event.provider });
        break;
      case 'token_request':
        this.tokenRequests.inc({ provider: event.provider, grant: event.grant, outcome: event.outcome });
        break;
      case 'authorization':
        this.authorizations.inc({ provider: event.provider, outcome: event.outcome });
        break;
      case 'logout_token':
        this.logoutTokens.inc({ outcome: event.outcome });
        break;
      case 'token_read':
        this.reads.inc({ source: event.source });
        break;
      case 'job_run':
        this.jobRuns.inc({ job: event.job, outcome: event.outcome });
        this.jobRows.inc({ job: event.job }, event.processed);
        break;
      case 'decryption_failed':
        this.decryptionFailures.inc({ reason: event.reason });
        break;
      case 'encryption_failed':
        this.encryptionFailures.inc({ reason: event.reason });
        break;
      case 'reauthorization_required':
        this.reauthorizations.inc({ provider: event.provider });
        break;
      case 'revocation_failed':
        this.revocationFailures.inc({ provider: event.provider });
        this.revocations.inc({ provider: event.provider, outcome: 'given_up' });
        break;
      case 'revocation_postponed':
        this.revocations.inc({ provider: event.provider, outcome: 'postponed' });
        break;
      case 'revocation_done':
        this.revocations.inc({ provider: event.provider, outcome: 'revoked' });
        break;
      case 'data_key_changed':
        this.keyChanges.inc({ state: event.to });
        break;
      case 'tenant_shredded':
        this.keyChanges.inc({ state: 'destroyed' }, event.keys);
        break;
      case 'keyring_checked':
        this.keyringFault.set(event.fault === null ? 0 : 1);
        break;
      case 'rows_reencrypted':
        this.reencrypted.inc(event.rows);
        this.lagging.inc(event.lagging);
        break;
      case 'row_quarantined':
        this.quarantined.inc({ reason: event.reason });
        break;
      case 'session_started':
        this.sessionsStarted.inc();
        break;
      case 'session_ended':
        this.sessionsEnded.inc({ reason: event.reason });
        break;
      case 'host_session_kept':
        this.hostSessionsKept.inc();
        break;
      case 'session_changed':
        this.sessionUp.set(event.liveness === 'session' ? 1 : 0);
        break;
      case 'restore_detected':
        this.restores.inc();
        break;
      case 'lineage_checked':
        this.restoreBlind.set(event.blind === null ? 0 : 1);
        break;
      case 'write_fenced':
        this.fencedWrites.inc();
        break;
      case 'spool_checked':
        this.spoolFault.set(event.fault === null ? 0 : 1);
        this.spoolEntries.set({ state: 'waiting' }, event.waiting);
        this.spoolEntries.set({ state: 'unreadable' }, event.unreadable);
        break;
      case 'answer_spooled':
        this.spooledAnswers.inc({ provider: event.provider, outcome: event.outcome });
        break;
      case 'keys_checked':
        this.keysReady.set(event.ready ? 1 : 0);
        this.keysDegraded.set(event.ready && event.reason !== null ? 1 : 0);
        break;
      default:
    }
  }
}
