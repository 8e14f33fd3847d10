import { DecryptionError, TokenError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import { randomFraction } from '../crypto/random.js';
import { LEASE_MS } from '../refresh/policy.js';
import { RefreshService } from '../refresh/refresh.service.js';
import { TokenRows } from '../store/token-rows.js';

const DAY_MS = 86_400_000;
const PARALLEL_REFRESHES = 10;
const UNREADABLE_DELAY_MS = 3_600_000;

interface MaintenanceSettings {
  retentionDays: number;
  cleanupBatchSize: number;
  aheadBatchSize: number;
  providers: readonly string[];
}

/** What the scheduled jobs run; callable by hand as well. Safe to run on every replica at the same time. */
export class TokenMaintenance {
  constructor(
    private readonly rows: TokenRows,
    private readonly refresher: RefreshService,
    private readonly events: TokenEvents,
    private readonly settings: MaintenanceSettings,
  ) {}

  /** Deletes rows that have been revoked, dead or expired beyond refresh for longer than the retention; how many. */
  async cleanUp(): Promise<number> {
    return this.run('clean_up', async () => {
      const { retentionDays, cleanupBatchSize } = this.settings;
      let deleted = 0;
      for (;;) {
        const batch = await this.rows.deleteDead(Math.round(retentionDays * DAY_MS), cleanupBatchSize);
        deleted += batch;
        if (batch < cleanupBatchSize) return deleted;
      }
    });
  }

  /** Refreshes tokens that are due; how many it has refreshed. What fails is left to its back-off. */
  async refreshAhead(): Promise<number> {
    return this.run('refresh_ahead', async () => {
      const found = await this.rows.findDue(this.settings.providers, this.settings.aheadBatchSize, LEASE_MS);
      // In an order of its own, so that replicas whose clocks tick together do not queue for the same claims.
      const due = found
        .map((row) => ({ row, order: randomFraction() }))
        .toSorted((a, b) => a.order - b.order)
        .map(({ row }) => row);
      let refreshed = 0;
      const worker = async (): Promise<void> => {
        for (let row = due.shift(); row; row = due.shift()) {
          try {
            await this.refresher.newerThan(row.generation, row);
            refreshed++;
          } catch (error) {
            // One user's dead grant must not stop the others; the refresh has reported itself.
            if (!(error instanceof TokenError)) throw error;
            // What cannot even be opened has no back-off, and must not stand at the head of every run.
            if (error instanceof DecryptionError) await this.rows.postpone(row, UNREADABLE_DELAY_MS);
          }
        }
      };
      const workers = await Promise.allSettled(Array.from({ length: PARALLEL_REFRESHES }, worker));
      const failed = workers.find((ended) => ended.status === 'rejected');
      if (failed) throw failed.reason;
      return refreshed;
    });
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
