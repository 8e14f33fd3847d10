import { type ProviderState, ProviderStates } from '../store/provider-states.js';
import type { Database } from './database.js';
import { isUniqueViolation } from './error-codes.js';
import { CIRCUIT, toCircuit } from './row-mapping.js';
import { type Fragment, fromNow, now, providers, sql } from './sql.js';

export class SqlProviderStates extends ProviderStates {
  constructor(private readonly database: Database) {
    super();
  }

  override async list(): Promise<ProviderState[]> {
    const rows = await this.database.rows(
      sql`SELECT name, opened_at, ${CIRCUIT}, ${now} AS read_at FROM ${providers} ORDER BY name`,
    );
    return rows.map((row) => ({
      provider: row['name'] as string,
      circuit: toCircuit(row),
      openedAt: row['opened_at'] === null ? null : Number(row['opened_at']),
      now: Number(row['read_at']),
    }));
  }

  override async countFailure(
    provider: string,
    failure: string,
    threshold: number,
    pauseMs: number,
  ): Promise<boolean> {
    await this.#update(
      provider,
      sql`UPDATE ${providers} SET failed_rows = failed_rows + 1, failed_as = ${failure}
        WHERE name = ${provider} AND probe_after IS NULL`,
    );
    const statement = sql`UPDATE ${providers} SET ${opened(pauseMs)}
      WHERE name = ${provider} AND probe_after IS NULL AND failed_rows >= ${threshold}`;
    return (await this.database.affected(statement)) === 1;
  }

  override async open(provider: string, failure: string, pauseMs: number): Promise<boolean> {
    const statement = sql`UPDATE ${providers} SET ${opened(pauseMs)}, failed_as = ${failure}
      WHERE name = ${provider} AND probe_after IS NULL`;
    if (await this.#update(provider, statement)) return true;
    await this.database.affected(sql`UPDATE ${providers} SET probe_after = ${fromNow(pauseMs)}
      WHERE name = ${provider} AND probe_id IS NULL AND probe_after < ${fromNow(pauseMs)}`);
    return false;
  }

  override async forgetFailures(provider: string): Promise<void> {
    await this.database.affected(sql`UPDATE ${providers} SET failed_rows = 0, failed_as = NULL
      WHERE name = ${provider} AND probe_after IS NULL AND failed_rows > 0`);
  }

  override async takeProbe(provider: string, probeId: string, leaseMs: number): Promise<boolean> {
    const statement = sql`UPDATE ${providers} SET probe_id = ${probeId}, probe_after = ${fromNow(leaseMs)}
      WHERE name = ${provider} AND probe_after <= ${now}`;
    return (await this.database.affected(statement)) === 1;
  }

  override async close(provider: string, probeId: string): Promise<boolean> {
    const statement = sql`UPDATE ${providers} SET probe_after = NULL, probe_id = NULL, opened_at = NULL,
        failed_rows = 0, failed_probes = 0, failed_as = NULL
      WHERE name = ${provider} AND probe_id = ${probeId}`;
    return (await this.database.affected(statement)) === 1;
  }

  override async failProbe(
    provider: string,
    probeId: string,
    failure: string,
    pauseMs: number,
  ): Promise<void> {
    await this.database
      .affected(sql`UPDATE ${providers} SET probe_after = ${fromNow(pauseMs)}, probe_id = NULL,
        failed_probes = failed_probes + 1, failed_as = ${failure}
      WHERE name = ${provider} AND probe_id = ${probeId}`);
  }

  override async releaseProbe(provider: string, probeId: string, pauseMs: number): Promise<void> {
    await this.database
      .affected(sql`UPDATE ${providers} SET probe_after = ${fromNow(pauseMs)}, probe_id = NULL
      WHERE name = ${provider} AND probe_id = ${probeId}`);
  }

  /** `permits_until` is up to when the provider's time is given away: one instant is the whole bucket. */
  override async takePermits(provider: string, costMs: number, burstMs: number): Promise<number> {
    const statement = sql`UPDATE ${providers}
      SET permits_until = CASE WHEN permits_until > ${now} THEN permits_until ELSE ${now} END + ${costMs}
      WHERE name = ${provider} AND permits_until <= ${fromNow(burstMs - costMs)}`;
    if (await this.#update(provider, statement)) return 0;
    const [row] = await this.database.rows(
      sql`SELECT permits_until - ${now} AS ahead FROM ${providers} WHERE name = ${provider}`,
    );
    return Math.max(1, Number(row?.['ahead'] ?? 0) - (burstMs - costMs));
  }

  /** Whether it has matched; a provider that has no row yet gets one. */
  async #update(provider: string, statement: Fragment): Promise<boolean> {
    if ((await this.database.affected(statement)) === 1) return true;
    const [known] = await this.database.rows(sql`SELECT name FROM ${providers} WHERE name = ${provider}`);
    if (known) return false;
    try {
      // Not part of a transaction that the host may roll back.
      await this.database
        .affectedAlone(sql`INSERT INTO ${providers} (name, failed_rows, failed_probes, permits_until)
        VALUES (${provider}, 0, 0, 0)`);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
    return (await this.database.affected(statement)) === 1;
  }
}

const opened = (pauseMs: number): Fragment =>
  sql`probe_after = ${fromNow(pauseMs)}, probe_id = NULL, opened_at = ${now}, failed_probes = 0`;
