import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { KeyReports } from '../keys/key-reports.js';
import { LineageWatch } from '../refresh/lineage-watch.js';
import { RevocationRows } from '../store/revocation-rows.js';
import { SessionRows } from '../store/session-rows.js';
import { TokenRows } from '../store/token-rows.js';
import { type Count, scrapedGauge } from './scraped-gauge.js';

/** Counting reads the whole table, so a scrape may see counts of this age. */
const COUNTS_TTL_MS = 30_000;

type Counts = Record<'tokens' | 'dataKeys' | 'rowsLeft' | 'pending' | 'held' | 'sessions', Count>;

/** What the whole database holds, the same on every replica. */
@Injectable()
export class CountedGauges implements OnModuleDestroy {
  readonly #removals: (() => void)[];
  /** One count serves all gauges of a scrape. */
  #counts: Promise<Counts | null> | null = null;
  #validUntil = -Infinity;

  constructor(
    @Inject(TokenRows) private readonly rows: TokenRows,
    @Inject(KeyReports) private readonly reports: KeyReports,
    @Inject(RevocationRows) private readonly outbox: RevocationRows,
    @Inject(LineageWatch) private readonly lineage: LineageWatch,
    @Inject(SessionRows) private readonly sessions: SessionRows,
    @Inject(Clock) private readonly clock: Clock,
  ) {
    this.#removals = [
      this.gauge(
        'tokens',
        'tokenward_tokens',
        'Stored token sets by status, in the whole database',
        'status',
      ),
      this.gauge('dataKeys', 'tokenward_data_keys', 'Data keys by state', 'state'),
      this.gauge(
        'rowsLeft',
        'tokenward_reencryption_rows_left',
        'Rows under replaced data keys, by whether re-encryption can move them',
        'state',
      ),
      this.gauge(
        'pending',
        'tokenward_revocations_pending',
        'Tokens that are erased here and wait for their revocation at the provider',
        'provider',
      ),
      this.gauge(
        'held',
        'tokenward_tokens_held',
        'Token sets that are not refreshed since a restored backup or a failover',
        'provider',
      ),
      this.gauge('sessions', 'tokenward_sessions', 'Live sessions of users, in the whole database', null),
    ];
  }

  onModuleDestroy(): void {
    for (const remove of this.#removals) remove();
  }

  private gauge(counted: keyof Counts, name: string, help: string, label: string | null): () => void {
    return scrapedGauge(name, `${help}; at most 30 seconds old.`, label, async () => {
      const counts = await this.counts();
      return counts && counts[counted];
    });
  }

  private counts(): Promise<Counts | null> {
    const now = this.clock.monotonic();
    if (this.#counts !== null && now < this.#validUntil) return this.#counts;
    this.#validUntil = now + COUNTS_TTL_MS;
    this.#counts = this.count().catch(() => {
      this.#counts = null;
      return null;
    });
    return this.#counts;
  }

  private async count(): Promise<Counts> {
    const { rows, quarantinedRows } = await this.reports.countRows('decrypt_only');
    return {
      tokens: await this.rows.countByStatus(),
      dataKeys: await this.reports.countByState(),
      rowsLeft: { movable: rows - quarantinedRows, quarantined: quarantinedRows },
      pending: await this.outbox.countByProvider(),
      held: await this.lineage.countHeld(),
      sessions: { all: await this.sessions.countLive() },
    };
  }
}
