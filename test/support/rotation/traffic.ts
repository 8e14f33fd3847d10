import { setTimeout as pause } from 'node:timers/promises';
import type { Account } from './account.js';
import type { Fleet } from './fleet.js';
import { KilledError } from './member.js';

const TICK_MS = 10;
/** So that a machine that is too slow for the rate gets slower instead of running out of memory. */
const MOST_READS_AT_ONCE = 500;

export interface Tally {
  reads: number;
  writes: number;
  refreshes: number;
  /** Calls that were under way in a replica when it was killed: their callers have died with it. */
  cutOff: number;
  failures: string[];
}

/**
 * Users of the fleet. A call counts as cut off if its replica was killed from here before the answer came; everything
 * else that is not the right answer is a failure.
 */
export class Traffic {
  readonly tally: Tally = { reads: 0, writes: 0, refreshes: 0, cutOff: 0, failures: [] };
  private readonly running: Promise<unknown>[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private reading = true;
  private writing = true;

  constructor(
    private readonly fleet: Fleet,
    private readonly accounts: readonly Account[],
  ) {}

  start(readsPerSecond: number, writers: number, refreshers: number): void {
    this.running.push(this.readers(readsPerSecond));
    const stored = this.accounts.filter((account) => !account.isRefreshed);
    const refreshed = this.accounts.filter((account) => account.isRefreshed);
    for (let count = 0; count < writers; count++) this.running.push(this.writer(stored, 30));
    for (let count = 0; count < refreshers; count++) this.running.push(this.writer(refreshed, 100));
  }

  /** Writes and refreshes end; reads go on. */
  async stopWriting(): Promise<void> {
    this.writing = false;
    await Promise.all(this.running.slice(1));
  }

  async stop(): Promise<void> {
    await this.stopWriting();
    this.reading = false;
    await Promise.all(this.running);
    await Promise.all(this.underWay);
  }

  async read(account: Account): Promise<void> {
    const isRight = account.expectation();
    await this.outcome(`read of ${account.ref.userId}`, async () => {
      const value = await this.fleet.any().call('read', account.ref);
      this.tally.reads++;
      if (!isRight(value)) throw new Error(`an older or a foreign token: ${value.slice(0, 24)}…`);
    });
  }

  async write(account: Account, member = this.fleet.any()): Promise<void> {
    const next = account.next();
    await this.outcome(`write of ${account.ref.userId}`, async () => {
      await member.call('store', account.ref, next);
      this.tally.writes++;
      account.confirm(next.access_token);
    });
  }

  private async refresh(account: Account): Promise<void> {
    const done = await this.outcome(`refresh of ${account.ref.userId}`, async () => {
      account.confirm(await this.fleet.any().call('refresh', account.ref));
      this.tally.refreshes++;
    });
    if (!done) account.cutOff = true;
  }

  /** Evenly spread over the seconds and the replicas. */
  private async readers(perSecond: number): Promise<void> {
    const begun = performance.now();
    for (let sent = 0; this.reading;) {
      const due = Math.floor(((performance.now() - begun) / 1000) * perSecond);
      for (; sent < due && this.underWay.size < MOST_READS_AT_ONCE; sent++) {
        const read = this.read(randomOf(this.accounts)).finally(() => this.underWay.delete(read));
        this.underWay.add(read);
      }
      await pause(TICK_MS);
    }
  }

  private async writer(accounts: readonly Account[], pauseMs: number): Promise<void> {
    while (this.writing && accounts.length > 0) {
      const account = randomOf(accounts);
      if (!account.busy && !account.cutOff) {
        account.busy = true;
        await (account.isRefreshed ? this.refresh(account) : this.write(account));
        account.busy = false;
      }
      await pause(pauseMs);
    }
  }

  /** False if a kill was in the way. */
  private async outcome(what: string, call: () => Promise<void>): Promise<boolean> {
    try {
      await call();
      return true;
    } catch (error) {
      if (error instanceof KilledError) {
        this.tally.cutOff++;
        return false;
      }
      this.tally.failures.push(`${what}: ${(error as Error).message}`);
      return true;
    }
  }
}

export const randomOf = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)]!;
