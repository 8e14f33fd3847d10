import type { DataSource } from 'typeorm';
import { pause } from './wait.js';

/** Somebody else's query now and then; how long each has taken, in milliseconds. */
export class Queries {
  private readonly milliseconds: number[] = [];
  private going = true;
  private readonly asking: Promise<void>;

  constructor(
    private readonly dataSource: DataSource,
    private readonly everyMs: number,
  ) {
    this.asking = this.ask();
  }

  async end(): Promise<number[]> {
    this.going = false;
    await this.asking;
    return this.milliseconds;
  }

  private async ask(): Promise<void> {
    while (this.going) {
      const begun = performance.now();
      await this.dataSource.query('SELECT 1');
      this.milliseconds.push(performance.now() - begun);
      await pause(this.everyMs);
    }
  }
}
