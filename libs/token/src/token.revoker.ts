import type { Clock } from './common/clock.js';
import { TokenError } from './common/errors.js';
import type { TokenEvents } from './common/events.js';
import type { ResolvedTokenRef } from './common/tokens.js';
import { atMost } from './refresh/at-most.js';
import { persist } from './refresh/persistence.js';
import type { RevocationService } from './revocation/revocation.service.js';
import { isOutdated } from './store/open-current.js';
import type { NewRevocation } from './store/revocation-rows.js';
import {
  FencedWriteError,
  type FullTokenRow,
  type SealedCells,
  type TokenFilter,
  type TokenRows,
} from './store/token-rows.js';
import type { TokenStore } from './store/token-store.js';

const ATTEMPTS = 10;
const REREADS = 6;
const REVOKED_AT_ONCE = 100;
const PARALLEL_REVOCATIONS = 4;
/** A provider that takes longer keeps no log-out waiting, which is done here already. */
const FIRST_TRY_MS = 5_000;

/** Erases what a log-out ends, and sees to its revocation. Every write is conditional on the row as it was read. */
export class TokenRevoker {
  constructor(
    private readonly rows: TokenRows,
    private readonly store: TokenStore,
    private readonly events: TokenEvents,
    private readonly clock: Clock,
    private readonly outbox: RevocationService,
  ) {}

  /** Local at once; then at the provider, by way of the outbox: if that fails or takes its time, the log-out is none the less done. */
  async revoke(ref: ResolvedTokenRef, erased: (ref: ResolvedTokenRef) => void): Promise<void> {
    await this.revokeOne(ref, null, 'now', erased);
  }

  /** All that these fields match: local at once, and the outbox has the rest. How many. */
  async revokeAll(filter: TokenFilter, erased: (ref: ResolvedTokenRef) => void): Promise<number> {
    let revoked = 0;
    for (let afterId = ''; ;) {
      const page = await this.rows.findRevocable(filter, afterId, REVOKED_AT_ONCE);
      const rows = [...page];
      const worker = async (): Promise<void> => {
        for (let row = rows.shift(); row; row = rows.shift())
          if (await this.revokeOne(row, row, 'later', erased)) revoked++;
      };
      const ended = await Promise.allSettled(Array.from({ length: PARALLEL_REVOCATIONS }, worker));
      const failed = ended.find((one) => one.status === 'rejected');
      if (failed) throw failed.reason;
      if (page.length < REVOKED_AT_ONCE) return revoked;
      afterId = page.at(-1)!.id;
    }
  }

  /** Whether it was this call that has ended the row. `seen` is the row as it was read, null where it was not. */
  private async revokeOne(
    ref: ResolvedTokenRef,
    seen: FullTokenRow | null,
    tries: 'now' | 'later',
    erased: (ref: ResolvedTokenRef) => void,
  ): Promise<boolean> {
    let failure: unknown = null;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const row = attempt === 0 && seen !== null ? seen : await this.rows.findFull(ref);
      if (row === null || row.status === 'revoked') return false;
      try {
        const token = await this.revocable(row, attempt === 0);
        if (await this.end(row, token, tries, erased)) return true;
      } catch (error) {
        if (isOutdated(error)) continue;
        // The transaction was rolled back, or never begun: once more, since a log-out is not asked for twice.
        if (failure !== null) throw error;
        failure = error;
      }
    }
    throw new TokenError(
      'WRITE_CONFLICT',
      'The token set kept changing while it was being revoked. Try again.',
    );
  }

  private async end(
    row: FullTokenRow,
    token: string | null,
    tries: 'now' | 'later',
    erased: (ref: ResolvedTokenRef) => void,
  ): Promise<boolean> {
    const { id: recordId, tenantId, provider } = row;
    const report = (): void => {
      erased(row);
      this.events.emit({ type: 'token_revoked', provider, recordId });
    };
    if (token === null) {
      if (!(await this.erase(row, null))) return false;
      report();
      this.outbox.reportFailure(provider, recordId, 'token_unreadable');
      return true;
    }
    const revocable = { tenantId, provider, recordId, token };
    const { entry, result } = await this.outbox.enter(revocable, tries, (sealed) => this.erase(row, sealed));
    if (!result) return false;
    report();
    if (tries === 'later' && entry !== null) return true;
    const tried = this.outbox.tryNow(revocable, entry);
    // The try goes on by itself, and what this process does not live to see is due again. Without an entry nobody else has it.
    await (entry === null ? tried : atMost(FIRST_TRY_MS, tried, undefined));
    return true;
  }

  /** The refresh token, with which many providers revoke the whole grant; else the access token. */
  private async revocable(row: FullTokenRow, strict: boolean): Promise<string | null> {
    return (
      (await this.openIfPossible(row, 'refreshCt', strict)) ??
      (await this.openIfPossible(row, 'accessCt', strict))
    );
  }

  private async erase(row: FullTokenRow, entry: NewRevocation | null): Promise<boolean> {
    try {
      return await this.rows.revoke(row.id, row.generation, entry);
    } catch (error) {
      if (error instanceof FencedWriteError) throw error;
      // Perhaps only the answer was lost. The entry is in the outbox then.
      const current = await persist(this.clock, () => this.rows.findFull(row), { attempts: REREADS });
      if (current?.status === 'revoked' && current.generation === row.generation + 1) return true;
      throw error;
    }
  }

  /** A log-out must work even where the keys do not. `strict`: what was read may be out of date, which throws. */
  private async openIfPossible(
    row: FullTokenRow,
    cell: keyof SealedCells,
    strict: boolean,
  ): Promise<string | null> {
    const text = row[cell];
    if (text === null) return null;
    try {
      return await this.store.open(row, cell, text);
    } catch (error) {
      if (!(error instanceof TokenError) || (strict && isOutdated(error))) throw error;
      return null;
    }
  }
}
