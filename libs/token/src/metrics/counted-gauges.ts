import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { Clock } from '../common/clock.js';
import { KeyReports } from '../keys/key-reports.js';
import { atMost } from '../refresh/at-most.js';
import { LineageWatch } from '../refresh/lineage-watch.js';
import { RevocationRows } from '../store/revocation-rows.js';
import { SessionRows } from '../store/session-rows.js';
import { TokenRows } from '../store/token-rows.js';
import { type Count, scrapedGauge } from './scraped-gauge.js';

/** Counting reads whole tables: it begins again at a scrape when the last count has ended so long ago. */
const COUNTS_TTL_MS = 30_000;
/** A count that takes longer serves the scrapes after it; until then the last one does, */
const WAIT_MS = 4_000;
/** up to this age. */
const OLDEST_MS = 300_000;

type Counts = Record<'tokens' | 'dataKeys' | 'rowsLeft' | 'pending' | 'held' | 'sessions', Count>;

/** What the whole database holds, the same on every replica. */
@Injectable()
export class CountedGauges implements OnModuleDestroy {
  readonly #removals: (() => void)[];
  #counts: Counts | null = null;
  #countedAt = -Infinity;
  /** One count at a time serves all gauges. */
  #counting: Promise<void> | null = null;

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
    return scrapedGauge(name, `${help}; counted at most every 30 seconds.`, label, async () => {
      const counts = await this.counts();
      return counts && counts[counted];
    });
  }

  private async counts(): Promise<Counts | null> {
    if (this.ageMs() >= COUNTS_TTL_MS) this.#counting ??= this.countAgain();
    if (this.#counting !== null) await atMost(WAIT_MS, this.#counting, undefined);
    return this.ageMs() < OLDEST_MS ? this.#counts : null;
  }

  private async countAgain(): Promise<void> {
    try {
      this.#counts = await this.count();
      this.#countedAt = this.clock.monotonic();
    } catch {
      this.#counts = null;
      this.#countedAt = -Infinity;
    } finally {
      this.#counting = null;
    }
  }

  private ageMs(): number {
    return this.clock.monotonic() - this.#countedAt;
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
