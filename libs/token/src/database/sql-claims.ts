import { Claims, type ClaimFailure, type HeldClaim, type Quarantine } from '../refresh/claims.js';
import type { FullTokenRow, TokenRow, TokenWrite } from '../store/token-rows.js';
import { announced } from './announced.js';
import type { Database } from './database.js';
import { assignments, claimReplicaOf, heldBy } from './row-mapping.js';
import { type Fragment, fromNow, now, sql, tokens } from './sql.js';
import { stillIn } from './sql-lineage.js';
import { fenced } from './sql-token-rows.js';

export class SqlClaims extends Claims {
  constructor(private readonly database: Database) {
    super();
  }

  override async claim(row: FullTokenRow, claimId: string, claimant: string | null): Promise<boolean> {
    // Nor may an attempt have come and failed in between: its back-off counts for whoever has read before it, too.
    const unchanged = heldBy(row.claimId, row.claimedAt);
    // The intent: from now on nobody but the claimant knows whether the provider has seen the refresh token.
    const unknownSince = row.unknownSince === null ? now : row.unknownSince;
    const statement = sql`UPDATE ${tokens} SET claim_id = ${claimId}, claimed_at = ${now}, unknown_since = ${unknownSince},
        claim_replica = ${claimReplicaOf(claimId, claimant)}
      WHERE id = ${row.id} AND generation = ${row.generation} AND failures = ${row.failures} AND status = 'active' AND ${unchanged}
        AND ${stillIn(row.lineage)}`;
    return (await this.database.hotAffected(statement)) === 1;
  }

  override async heartbeat(rowId: string, claimId: string): Promise<void> {
    await this.database.affected(
      sql`UPDATE ${tokens} SET claimed_at = ${now} WHERE id = ${rowId} AND claim_id = ${claimId}`,
    );
  }

  override async letGo(rowId: string, claimId: string): Promise<void> {
    await this.database.affected(
      sql`UPDATE ${tokens} SET claim_replica = NULL WHERE id = ${rowId} AND claim_id = ${claimId}`,
    );
  }

  override async release({ id, unknownSince }: TokenRow, claimId: string): Promise<void> {
    await this
      .#affected(sql`UPDATE ${tokens} SET claim_id = NULL, claimed_at = NULL, unknown_since = ${unknownSince}
      WHERE id = ${id} AND claim_id = ${claimId}`);
  }

  override async commit(
    rowId: string,
    presented: number,
    write: TokenWrite,
    quarantine: Quarantine | null,
  ): Promise<boolean> {
    const failure = quarantine
      ? sql`failures = failures + 1, last_failure = ${quarantine.failure}, retry_after = ${fromNow(quarantine.retryInMs)}`
      : sql`failures = 0, last_failure = NULL, retry_after = NULL`;
    // Whatever the status says: a log-out and a new log-in both move the generation on, and an answer beats a guess.
    const statement = sql`UPDATE ${tokens} SET ${assignments(write)}, claim_id = NULL, claimed_at = NULL, unknown_since = NULL, ${failure}
      WHERE id = ${rowId} AND generation = ${presented}`;
    return (await fenced(() => this.#affected(statement))) === 1;
  }

  override async fail(
    { id, generation, claimId, claimedAt, unknownSince: before }: HeldClaim,
    { failure, retryInMs, outcomeUnknown, reauthorize }: ClaimFailure,
  ): Promise<boolean> {
    // A definite answer settles this presentation, not an earlier one.
    const unknownSince = outcomeUnknown ? sql`unknown_since` : sql`${before}`;
    // Whatever hangs on the tokens is over with the same statement.
    const status = reauthorize ? sql`'reauthorization_required', ends = ends + 1` : sql`status`;
    const held = heldBy(claimId, claimedAt);
    const statement = sql`UPDATE ${tokens} SET unknown_since = ${unknownSince}, claim_id = NULL, claimed_at = NULL, status = ${status},
        failures = failures + 1, last_failure = ${failure}, retry_after = ${fromNow(retryInMs)}, updated_at = ${now}
      WHERE id = ${id} AND generation = ${generation} AND status = 'active' AND ${held}`;
    return (await this.#affected(statement)) === 1;
  }

  #affected(update: Fragment): Promise<number> {
    return this.database.hotAffected(announced(this.database.dialect, update));
  }
}
