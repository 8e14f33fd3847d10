import type { BeforeApplicationShutdown, OnApplicationBootstrap, OnModuleInit } from '@nestjs/common';
import type { Clock } from './common/clock.js';
import type { Database } from './database/database.js';
import { JobScheduler } from './jobs/job-scheduler.js';
import { KeyWatch } from './keys/key-watch.js';
import { RefreshService } from './refresh/refresh.service.js';
import { ReplicaSession } from './refresh/replica-session.js';

/** How long a shutdown waits for exchanges in flight. */
const DRAIN_MS = 15_000;

/** Checks the ground at start-up, starts the jobs, and lets exchanges finish at shutdown. */
export class TokenLifecycle implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly database: Database,
    private readonly keys: KeyWatch,
    private readonly scheduler: JobScheduler,
    private readonly refresher: RefreshService,
    private readonly clock: Clock,
    private readonly session: ReplicaSession,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.database.assertTables();
    // A wrong keyring does not stop the process: it is not ready, and says why in log and health.
    await this.keys.start();
    await this.session.start();
  }

  onApplicationBootstrap(): void {
    this.scheduler.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.race([this.drain(), this.clock.sleep(DRAIN_MS, false)]);
  }

  /** Exchanges in flight still have to seal what they get: the keys go last. */
  private async drain(): Promise<void> {
    await Promise.all([this.scheduler.stop(), this.refresher.settled()]);
    await this.keys.stop();
    await this.session.stop();
  }
}
