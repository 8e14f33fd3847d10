import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { Database } from '../database/database.js';
import { sql, tokens } from '../database/sql.js';
import { KeyHealth } from '../keys/key-health.js';

/** What `/health/ready` asks; for health endpoints of your own. */
@Injectable()
export class TokenHealthIndicator {
  constructor(
    @Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService,
    @Inject(Database) private readonly database: Database,
    @Inject(KeyHealth) private readonly keyHealth: KeyHealth,
  ) {}

  /** Up while the database answers and has the token tables. */
  async checkDatabase(key = 'database'): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(key);
    try {
      await this.database.rows(sql`SELECT 1 FROM ${tokens} WHERE 1 = 0`);
      return indicator.up();
    } catch {
      return indicator.down({ reason: 'the database does not answer' });
    }
  }

  /** Up while the keys in the database can be opened with this replica's keyring. */
  async checkKeys(key = 'keys'): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(key);
    try {
      const reason = await this.keyHealth.check();
      return reason === null ? indicator.up() : indicator.down({ reason });
    } catch {
      return indicator.down({ reason: 'the keys cannot be checked: the database does not answer' });
    }
  }
}
