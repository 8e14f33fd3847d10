import type { DataSource } from 'typeorm';
import { pause } from './wait.js';

const LOOK_EVERY_MS = 20;

/** `thresholdMs` is a parameter of ours, no input. */
const queryOf = (type: string, thresholdMs: number): string =>
  type === 'postgres'
    ? `SELECT query AS statement FROM pg_stat_activity WHERE datname = current_database()
         AND state LIKE 'idle in transaction%' AND clock_timestamp() - state_change > interval '${thresholdMs} milliseconds'`
    : `SELECT CONCAT('connection ', p.id) AS statement FROM information_schema.innodb_trx t
         JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
         WHERE p.db = DATABASE() AND p.command = 'Sleep' AND p.time_ms > ${thresholdMs}`;

/** Looks, all the time, whether anybody holds a transaction open and does nothing. */
export class IdleTransactions {
  private going = true;
  private looks = 0;
  private readonly idle: string[] = [];
  private readonly watching: Promise<void>;

  constructor(dataSource: DataSource, thresholdMs: number) {
    this.watching = this.watch(dataSource, queryOf(dataSource.options.type, thresholdMs));
  }

  async end(): Promise<{ looks: number; idle: string[] }> {
    this.going = false;
    await this.watching;
    return { looks: this.looks, idle: this.idle };
  }

  private async watch(dataSource: DataSource, query: string): Promise<void> {
    while (this.going) {
      const found = await dataSource.query<{ statement: string }[]>(query);
      this.looks++;
      this.idle.push(...found.map(({ statement }) => statement));
      await pause(LOOK_EVERY_MS);
    }
  }
}
