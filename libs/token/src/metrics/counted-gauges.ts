import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Gauge } from 'prom-client';
import { Clock } from '../common/clock.js';
import { KeyReports } from '../keys/key-reports.js';
import { LineageWatch } from '../refresh/lineage-watch.js';
import { RevocationRows } from '../store/revocation-rows.js';
import { SessionRows } from '../store/session-rows.js';
import { TokenRows } from '../store/token-rows.js';
import { gauge } from './handlers.js';
import { scrapedGauge } from './scraped-gauge.js';

/** Counting reads the whole table, so a scrape may see counts of this age. */
const COUNTS_TTL_MS = 30_000;

/** What the whole database holds, the same on every replica. */
@Injectable()
export class CountedGauges implements OnModuleDestroy {
  private readonly pendingRevocations = gauge(
    'tokenward_revocations_pending',
    'Tokens that are erased here and wait for their revocation at the provider; at most 30 seconds old.',
    ['provider'],
  );
  private readonly liveSessions = gauge(
    'tokenward_sessions',
    'Live sessions of users, in the whole database; at most 30 seconds old.',
  );
  private readonly rowsLeft = gauge(
    'tokenward_reencryption_rows_left',
    'Rows under replaced data keys, by whether re-encryption can move them; at most 30 seconds old.',
    ['state'],
  );
  private readonly heldTokens = gauge(
    'tokenward_tokens_held',
    'Token sets that are not refreshed since a restored backup or a failover; at most 30 seconds old.',
    ['provider'],
  );
  private readonly dataKeys = gauge('tokenward_data_keys', 'Data keys by state; at most 30 seconds old.', [
    'state',
  ]);
  readonly #remove: () => void;
  #countedAt = -Infinity;

  constructor(
    @Inject(TokenRows) private readonly rows: TokenRows,
    @Inject(KeyReports) private readonly reports: KeyReports,
    @Inject(RevocationRows) private readonly outbox: RevocationRows,
    @Inject(LineageWatch) private readonly lineage: LineageWatch,
    @Inject(SessionRows) private readonly sessions: SessionRows,
    @Inject(Clock) private readonly clock: Clock,
  ) {
    this.#remove = scrapedGauge(
      'tokenward_tokens',
      'Stored token sets by status, in the whole database; at most 30 seconds old.',
      ['status'],
      (tokens) => this.count(tokens),
    );
  }

  onModuleDestroy(): void {
    this.#remove();
  }

  private async count(tokens: Gauge): Promise<void> {
    const now = this.clock.monotonic();
    if (now - this.#countedAt < COUNTS_TTL_MS) return;
    const { pendingRevocations, liveSessions, rowsLeft, heldTokens, dataKeys } = this;
    try {
      for (const [status, count] of Object.entries(await this.rows.countByStatus()))
        tokens.set({ status }, count);
      for (const [state, count] of Object.entries(await this.reports.countByState()))
        dataKeys.set({ state }, count);
      const { rows, quarantinedRows } = await this.reports.countRows('decrypt_only');
      rowsLeft.set({ state: 'movable' }, rows - quarantinedRows);
      rowsLeft.set({ state: 'quarantined' }, quarantinedRows);
      setByProvider(pendingRevocations, await this.outbox.countByProvider());
      setByProvider(heldTokens, await this.lineage.countHeld());
      liveSessions.set(await this.sessions.countLive());
      this.#countedAt = now;
    } catch {
      // No number rather than a wrong one; the other metrics are needed most while the database is away.
      for (const counted of [tokens, dataKeys, rowsLeft, pendingRevocations, heldTokens, liveSessions])
        counted.reset();
    }
  }
}

/** Providers that are not among them have none. */
function setByProvider(counted: Gauge, counts: Record<string, number>): void {
  counted.reset();
  for (const [provider, count] of Object.entries(counts)) counted.set({ provider }, count);
}
