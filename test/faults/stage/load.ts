import type { TokenRef } from '@tokenward/nestjs';
import { KilledError } from './crew.js';
import { times } from './measure.js';
import type { Scene } from './scene.js';
import { pause } from './wait.js';

/** Calls that each want a newer token, spread over users and replicas, one at a time for each user. */
export class Load {
  calls = 0;
  /** Under way in a replica when it was killed: their callers have died with it. */
  cutOff = 0;
  readonly failures: string[] = [];
  private going = true;
  private readonly workers: Promise<void>[];
  private readonly idle: TokenRef[];

  constructor(
    private readonly scene: Scene,
    refs: readonly TokenRef[],
    callers: number,
    private readonly pauseMs = 5,
  ) {
    this.idle = [...refs];
    this.workers = times(callers, () => this.work());
  }

  async end(): Promise<void> {
    this.going = false;
    await Promise.all(this.workers);
  }

  private async work(): Promise<void> {
    while (this.going) {
      const [ref] = this.idle.splice(Math.floor(Math.random() * this.idle.length), 1);
      if (ref !== undefined && this.scene.cluster.replicas.length > 0) await this.call(ref);
      if (ref !== undefined) this.idle.push(ref);
      await pause(this.pauseMs);
    }
  }

  private async call(ref: TokenRef): Promise<void> {
    try {
      await this.scene.cluster.any().call('refresh', ref);
      this.calls++;
    } catch (error) {
      if (error instanceof KilledError) this.cutOff++;
      else this.failures.push((error as Error).message);
    }
  }
}
