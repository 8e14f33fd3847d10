import {
  Injectable,
  Logger,
  ServiceUnavailableException,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { TokenError, TokenEvents, TokenMaintenance } from '@tokenward/nestjs';

export type JobName = 'reencrypt' | 'rotate' | 'clean_up' | 'refresh_ahead' | 'revoke';

export interface JobStatus {
  name: JobName;
  /** Begun by the operator, on this replica, and not over yet. */
  running: boolean;
  /** The last run on this replica since its start, also one that the schedule has begun. */
  lastRun: {
    endedAt: Date;
    outcome: 'succeeded' | 'failed';
    processed: number;
    reason: string | null;
  } | null;
}

/** The library's jobs, begun by hand. They may take long, so nobody waits for them: their state can be asked for. */
@Injectable()
export class AdminJobs implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger(AdminJobs.name);
  private readonly stopping = new AbortController();
  private readonly running = new Map<JobName, Promise<void>>();
  private readonly lastRuns = new Map<string, JobStatus['lastRun']>();
  private readonly work: Record<JobName, () => Promise<number>>;

  constructor(
    jobs: TokenMaintenance,
    private readonly events: TokenEvents,
  ) {
    this.work = {
      reencrypt: () => jobs.reencrypt({ signal: this.stopping.signal }),
      rotate: () => jobs.rotate(),
      clean_up: () => jobs.cleanUp(),
      refresh_ahead: () => jobs.refreshAhead(),
      revoke: () => jobs.revokePending({ signal: this.stopping.signal }),
    };
  }

  onModuleInit(): void {
    this.events.stream.subscribe((event) => {
      if (event.type !== 'job_run') return;
      const { job, outcome, processed, reason = null } = event;
      this.lastRuns.set(job, { endedAt: new Date(), outcome, processed, reason });
    });
  }

  isJob(name: string): name is JobName {
    return Object.hasOwn(this.work, name);
  }

  list(): JobStatus[] {
    return (Object.keys(this.work) as JobName[]).map((name) => this.status(name));
  }

  /** Begins a run, unless one that was begun here is still going on. */
  start(name: JobName): JobStatus {
    if (this.stopping.signal.aborted) throw new ServiceUnavailableException('This replica is stopping.');
    if (!this.running.has(name)) this.running.set(name, this.run(name));
    return this.status(name);
  }

  /** A re-encryption ends after its batch and the next run goes on; the others are waited for. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running.values());
  }

  private async run(name: JobName): Promise<void> {
    try {
      await this.work[name]();
    } catch (error) {
      // The library has told its own errors; the status shows all of them.
      if (!(error instanceof TokenError)) this.logger.error((error as Error).stack);
    } finally {
      this.running.delete(name);
    }
  }

  private status(name: JobName): JobStatus {
    return { name, running: this.running.has(name), lastRun: this.lastRuns.get(name) ?? null };
  }
}
