import type { TokenEvents } from '../common/events.js';
import { actorOf, type KeyService } from '../key.service.js';
import type { ActorOptions } from '../key.service.types.js';
import type { SessionEndings } from '../session-endings.js';
import { RevocationRun } from '../revocation/revocation-run.js';
import { Reencryption, type ReencryptionOptions } from '../store/reencryption.js';
import type { AuthorizationRows } from '../store/authorization-rows.js';
import { TokenRows } from '../store/token-rows.js';
import type { LineageWatch } from '../refresh/lineage-watch.js';
import { RefreshAhead } from './refresh-ahead.js';

const DAY_MS = 86_400_000;
/** A key without rows is retired so long after its rotation: whoever still seals under it has noticed by then. */
const RETIRE_AFTER_MINUTES = 60;
const SCHEDULE = { actor: 'schedule' };

interface MaintenanceSettings {
  retentionDays: number;
  cleanupBatchSize: number;
  aheadBatchSize: number;
  dataKeyMaxAgeDays: number;
}

/** What the scheduled jobs run; callable by hand as well. Safe to run on every replica at the same time. */
export class TokenMaintenance {
  constructor(
    private readonly rows: TokenRows,
    private readonly ahead: RefreshAhead,
    private readonly keys: KeyService,
    private readonly reencryption: Reencryption,
    private readonly revocations: RevocationRun,
    private readonly lineage: LineageWatch,
    private readonly sessions: SessionEndings,
    /** What is of no use from a moment on that stands in the row: log-ins under way, and used logout tokens. */
    private readonly expiring: readonly Pick<AuthorizationRows, 'deleteExpired'>[],
    private readonly events: TokenEvents,
    private readonly settings: MaintenanceSettings,
  ) {}

  /**
   * Deletes token sets that have been revoked, dead or expired beyond refresh, and sessions that have been over, for longer
   * than the retention; how many.
   */
  async cleanUp(): Promise<number> {
    return this.run('clean_up', async () => {
      const { retentionDays, cleanupBatchSize } = this.settings;
      const retentionMs = Math.round(retentionDays * DAY_MS);
      await this.sessions.endOver();
      let deleted = 0;
      for (const deleteBatch of [
        () => this.rows.deleteDead(retentionMs, cleanupBatchSize),
        () => this.sessions.deleteEnded(retentionMs, cleanupBatchSize),
        ...this.expiring.map((rows) => () => rows.deleteExpired(cleanupBatchSize)),
      ])
        for (let batch = cleanupBatchSize; batch === cleanupBatchSize; deleted += batch)
          batch = await deleteBatch();
      return deleted;
    });
  }

  /**
   * Refreshes tokens that are due, and refresh tokens that would die of idleness; how many it has refreshed. What fails is
   * left to its back-off. Replicas that run it at the same time take different rows.
   */
  async refreshAhead(options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.run('refresh_ahead', () => this.ahead.run(this.settings.aheadBatchSize, options.signal));
  }

  /**
   * Tries again to revoke tokens at their providers that could not be revoked at the log-out; how many it has revoked.
   * What is too old, or known to be useless, is given up and reported. The rest is left to its back-off.
   */
  async revokePending(options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.run('revoke', () => this.revocations.run(options.signal));
  }

  /**
   * Moves rows that are still under replaced data keys to the active ones; how many. Rows that a refresh has claimed are
   * left to the next run. Safe to end at any point: the next run goes on.
   * @throws KeyUnavailableError when a key cannot be used now
   */
  async reencrypt(options: ReencryptionOptions = {}): Promise<number> {
    return this.run('reencrypt', () => this.reencryption.run(options));
  }

  /** Replaces data keys that are too old, moves what is under replaced ones, retires those that are empty; how many rows. */
  async rotate(options: ReencryptionOptions = {}): Promise<number> {
    return this.run('rotate', async () => {
      let moved = 0;
      const steps = [
        () => this.keys.rotateOlderThan(this.settings.dataKeyMaxAgeDays, SCHEDULE),
        async () => (moved = await this.reencryption.run(options)),
        () => this.keys.retireEmptied(RETIRE_AFTER_MINUTES, SCHEDULE),
      ];
      // A key that cannot be used in one step must not keep the others from being done.
      let failure: unknown = null;
      for (const step of steps) {
        try {
          await step();
        } catch (error) {
          failure ??= error;
        }
      }
      if (failure !== null) throw failure;
      return moved;
    });
  }

  /**
   * Lets refresh tokens that are held since a restored backup or a failover be presented again, on all replicas at once;
   * how many. Only for whoever knows that none was refreshed after the recovery point: a provider with reuse detection ends
   * the grant of one that was. @throws TokenInputError
   */
  async releaseHeld({ actor }: ActorOptions = {}): Promise<number> {
    return this.lineage.release(actorOf(actor));
  }

  private async run(job: string, work: () => Promise<number>): Promise<number> {
    try {
      const processed = await work();
      this.events.emit({ type: 'job_run', job, outcome: 'succeeded', processed });
      return processed;
    } catch (error) {
      this.events.emit({
        type: 'job_run',
        job,
        outcome: 'failed',
        processed: 0,
        reason: (error as Error).message,
      });
      throw error;
    }
  }
}
