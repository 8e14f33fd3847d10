import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { TokenConfigurationError } from '../common/errors.js';
import { Database } from '../database/database.js';
import { atMost } from '../refresh/at-most.js';
import { secondsUntilProbe } from '../refresh/circuit.js';
import { KeyHealth } from '../keys/key-health.js';
import { LineageWatch } from '../refresh/lineage-watch.js';
import { Spool } from '../refresh/spool.js';
import { ReplicaSession } from '../refresh/replica-session.js';
import { ProviderStates } from '../store/provider-states.js';

/** Orchestrators give a probe up after some seconds, and nobody learns why: what takes longer is told before. */
const PATIENCE_MS = 2_000;
const LATE = Symbol('late');

/** What `/health/ready` asks; for health endpoints of your own. Each check is answered within two seconds. */
@Injectable()
export class TokenHealthIndicator {
  constructor(
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(Database) private readonly database: Database,
    @Inject(KeyHealth) private readonly keyHealth: KeyHealth,
    @Inject(Spool) private readonly spool: Spool,
    @Inject(ReplicaSession) private readonly session: ReplicaSession,
    @Inject(ProviderStates) private readonly states: ProviderStates,
    @Inject(LineageWatch) private readonly lineage: LineageWatch,
  ) {}

  /** Up while the database answers and has the token tables; tells what claims rest on. */
  async checkDatabase(key = 'database'): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(key);
    try {
      await inTime(this.database.assertTables());
      const { liveness, reason } = this.session.state;
      return indicator.up({ liveness, ...(reason !== null && { reason }) });
    } catch (error) {
      // Our own words name the missing table; a driver's may name hosts and users.
      const reason =
        error instanceof TokenConfigurationError ? error.message : 'the database does not answer';
      return indicator.down({ reason });
    }
  }

  /** Always up: a provider that is down makes nobody unready. Which ones are left alone, why, and for how many seconds. */
  async checkProviders(key = 'providers'): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(key);
    try {
      const degraded: Record<string, { failure: string | null; retryAfter: number }> = {};
      for (const { provider, circuit, now } of await inTime(this.states.list()))
        if (circuit.probeAfter !== null)
          degraded[provider] = {
            failure: circuit.failedAs,
            retryAfter: secondsUntilProbe(circuit, now),
          };
      return indicator.up(Object.keys(degraded).length > 0 ? { degraded } : {});
    } catch {
      // The check of the database says that it is away.
      return indicator.up({ unknown: 'the database does not answer' });
    }
  }

  /** Up while the keys in the database can be opened with this replica's keyring. */
  async checkKeys(key = 'keys'): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(key);
    try {
      const found = await atMost<string | null | typeof LATE>(PATIENCE_MS, this.keyHealth.check(), LATE);
      // While a check takes long, the last one counts: a key service that is away makes no replica unready at once.
      const reason = found === LATE ? this.keyHealth.known : found;
      // What could not be opened is told apart here too; it concerns single rows and makes nobody unready.
      const unreadable = { ...this.keyHealth.failures };
      const { degraded } = this.keyHealth;
      const details: Record<string, unknown> = {
        ...(degraded !== null && { degraded }),
        ...(Object.keys(unreadable).length > 0 && { unreadable }),
      };
      return reason === null ? indicator.up(details) : indicator.down({ reason, ...details });
    } catch {
      return indicator.down({ reason: 'the keys cannot be checked: the database does not answer' });
    }
  }

  /** Always up: since when refresh tokens are held after a restore, and why one would not be noticed. */
  checkRestore(key = 'restore'): HealthIndicatorResult {
    const { heldBefore, blind } = this.lineage.state;
    return this.indicators.check(key).up({
      ...(heldBefore !== null && { heldBefore: new Date(heldBefore).toISOString() }),
      ...(blind !== null && { blind }),
    });
  }

  /** Always up: what is wrong with the spool is told, and makes nobody unready, since refreshes go on without it. */
  checkSpool(key = 'spool'): HealthIndicatorResult {
    const { fault, waiting, unreadable } = this.spool.state;
    return this.indicators.check(key).up({
      ...(fault !== null && { degraded: `the spool directory cannot be written to: ${fault}` }),
      ...(waiting > 0 && { waiting }),
      ...(Object.keys(unreadable).length > 0 && { unreadable }),
    });
  }
}

/** @throws where it takes longer */
async function inTime<T>(look: Promise<T>): Promise<T> {
  const found = await atMost<T | typeof LATE>(PATIENCE_MS, look, LATE);
  if (found === LATE) throw new Error('no answer in time');
  return found;
}
