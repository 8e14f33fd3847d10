import type { SchedulerRegistry } from '@nestjs/schedule';
import { CronJob } from 'cron';
import { TokenConfigurationError } from '../common/errors.js';

export interface ScheduledJob {
  name: string;
  cron: string;
  /** The signal ends long work at shutdown. */
  run: (signal: AbortSignal) => Promise<unknown>;
}

/** Registers the jobs with the host's scheduler, and waits for running ones at shutdown, which Nest does not. */
export class JobScheduler {
  readonly #running = new Set<Promise<unknown>>();
  readonly #names: string[] = [];
  readonly #shutdown = new AbortController();

  constructor(
    private readonly registry: SchedulerRegistry | undefined,
    private readonly jobs: readonly ScheduledJob[],
  ) {}

  /** @throws TokenConfigurationError when the host has not imported ScheduleModule, without which no job would ever run */
  start(): void {
    if (this.jobs.length === 0) return;
    if (!this.registry) {
      throw new TokenConfigurationError([
        'Scheduled jobs need `ScheduleModule.forRoot()` (from @nestjs/schedule) in the root module’s imports; to run without jobs set `refresh.ahead: false`, `cleanup: false`, `revocation: false` and `rotation: false`.',
      ]);
    }
    for (const { name, cron, run } of this.jobs) {
      const job = CronJob.from({
        cronTime: cron,
        onTick: () => this.track(run),
        waitForCompletion: true,
        start: false,
      });
      this.registry.addCronJob(name, job);
      this.#names.push(name);
      job.start();
    }
  }

  async stop(): Promise<void> {
    this.#shutdown.abort();
    for (const name of this.#names.splice(0))
      if (this.registry?.doesExist('cron', name)) this.registry.deleteCronJob(name);
    await Promise.allSettled(this.#running);
  }

  private async track(run: ScheduledJob['run']): Promise<void> {
    const running = run(this.#shutdown.signal);
    this.#running.add(running);
    try {
      await running;
    } catch {
      // The job has reported its failure; the next tick tries again.
    } finally {
      this.#running.delete(running);
    }
  }
}
