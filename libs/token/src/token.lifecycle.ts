import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import type { Clock } from './common/clock.js';
import type { Database } from './database/database.js';
import { JobScheduler } from './jobs/job-scheduler.js';
import { KeyWatch } from './keys/key-watch.js';
import type { LineageWatch } from './refresh/lineage-watch.js';
import { RefreshService } from './refresh/refresh.service.js';
import type { SpoolReplay } from './refresh/spool-replay.js';
import { ReplicaSession } from './refresh/replica-session.js';

/** For what ends at once, unless a disk, a database or a key service hangs. */
const LAST_MS = 2_000;

/** Checks the ground at start-up, starts the jobs, and lets exchanges finish at shutdown. */
export class TokenLifecycle implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly database: Database,
    private readonly keys: KeyWatch,
    private readonly scheduler: JobScheduler,
    private readonly refresher: RefreshService,
    private readonly clock: Clock,
    private readonly replay: SpoolReplay,
    private readonly session: ReplicaSession,
    private readonly lineage: LineageWatch,
    private readonly shutdownMs: number,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.database.assertTables();
    // A wrong keyring does not stop the process: it is not ready, and says why in log and health.
    await this.keys.start();
    // Before anything is refreshed: what the database has may be older than what the provider knows.
    await this.lineage.start();
    // What waits there is newer.
    await this.session.start();
    await this.replay.start();
  }

  onApplicationBootstrap(): void {
    this.scheduler.start();
  }

  /** Exchanges in flight end and are stored; what is not stored in time is in the spool. They seal: the keys go last. */
  async beforeApplicationShutdown(): Promise<void> {
    this.refresher.stopClaiming();
    const last = [() => this.refresher.cutOff(), () => this.keys.stop(), () => this.session.stop()];
    const failures = [
      await this.within(this.shutdownMs, () =>
        Promise.all([
          this.scheduler.stop(),
          this.replay.stop(),
          this.lineage.stop(),
          this.refresher.settled(),
        ]),
      ),
    ];
    for (const step of last) failures.push(await this.within(LAST_MS, step));
    const failure = failures.find((one) => one !== null);
    if (failure) throw failure;
  }

  /** Null, or why it has failed: the steps behind it are still to be taken. */
  private async within(milliseconds: number, work: () => Promise<unknown>): Promise<Error | null> {
    try {
      await Promise.race([work(), this.clock.sleep(milliseconds, false)]);
      return null;
    } catch (error) {
      return error as Error;
    }
  }
}
