import type { Clock } from '../common/clock.js';
import { DecryptionError, KeyUnavailableError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import { randomId } from '../crypto/random.js';
import { type EmptyingKey, type SealedRow, SealedRows } from './sealed-rows.js';
import { FencedWriteError, type SealedCells } from './token-rows.js';
import { TokenStore, UnverifiedError } from './token-store.js';

/** After so much work the event loop gets a turn, so that requests of this process hardly wait. */
const SLICE_MS = 2;
/** A statement stays well below what databases take at once. */
const MAX_STATEMENT_CHARACTERS = 2_000_000;
const FENCED_ATTEMPTS = 3;
const FIRST_ID = '';
const MISMATCH = 'KEY_MISMATCH';
/** So many mismatches and no row that opens: the walk need not go on to the end. */
const MANY = 1000;

export interface ReencryptionOptions {
  signal?: AbortSignal;
  /** Called after every batch with the number of rows that it has moved. */
  onProgress?: (moved: number) => void;
}

/** What a walk has found under one key. */
interface Walk {
  readonly key: EmptyingKey;
  opened: number;
  /** Rows whose records name the key and were sealed by other bytes. */
  readonly mismatched: SealedRow[];
}

interface Move {
  before: SealedRow;
  after: SealedCells;
}

/**
 * Moves rows from keys that only open to their tenants' active keys. The work list is what the database still holds
 * under the old key: it can be ended and begun again at any point, and run on several replicas at once. Each begins at a
 * random row, so they meet late; a row that another one was faster with is left alone.
 */
export class Reencryption {
  constructor(
    private readonly rows: SealedRows,
    private readonly store: TokenStore,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
    private readonly settings: { batchSize: number; leaseMs: number },
  ) {}

  /**
   * One walk over all keys that are to be emptied; how many rows were moved. Rows that a refresh has claimed are left to
   * the next walk, rows that cannot be opened are marked and left as they are.
   * @throws KeyUnavailableError when a key cannot be used now; what was moved stays moved
   */
  async run({ signal, onProgress }: ReencryptionOptions = {}): Promise<number> {
    let moved = 0;
    for (const key of await this.rows.findEmptyingKeys()) {
      const middle = randomId();
      const walk: Walk = { key, opened: 0, mismatched: [] };
      for (const [after, end] of [
        [middle, null],
        [FIRST_ID, middle],
      ] as const) {
        for await (const batch of this.pages(key, after, end)) {
          const count = await this.batch(walk, batch);
          if (count > 0) await this.rows.addProgress(key.id, count);
          moved += count;
          onProgress?.(count);
          if (signal?.aborted) return moved;
        }
      }
      await this.judgeMismatches(walk);
    }
    return moved;
  }

  /** The next page is on its way while this one is worked on. */
  private async *pages(key: EmptyingKey, from: string, end: string | null): AsyncGenerator<SealedRow[]> {
    const read = (after: string): Promise<SealedRow[]> => {
      const page = this.rows.page(key, after, this.settings.batchSize, this.settings.leaseMs);
      // Who awaits it learns of a failure; nobody does when the walk has ended before.
      page.catch(() => undefined);
      return page;
    };
    for (let next = read(from); ;) {
      const page = await next;
      if (page.length === 0) return;
      const last = page.at(-1)!.id;
      const within = end === null ? page : page.filter(({ id }) => id <= end);
      const done = within.length < page.length || page.length < this.settings.batchSize;
      if (!done) next = read(last);
      if (within.length > 0) yield within;
      if (done) return;
    }
  }

  private async batch(walk: Walk, batch: readonly SealedRow[]): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.resealAndMove(walk, batch);
      } catch (error) {
        if (!(error instanceof FencedWriteError)) throw error;
        if (attempt === FENCED_ATTEMPTS) throw new KeyUnavailableError(error.reason);
        this.store.keyRefused(walk.key.tenantId);
      }
    }
  }

  private async resealAndMove(walk: Walk, batch: readonly SealedRow[]): Promise<number> {
    const { key } = walk;
    let moves: Move[] = [];
    let size = 0;
    let moved = 0;
    const flush = async (): Promise<void> => {
      if (moves.length > 0) moved += await this.rows.move(key, moves);
      moves = [];
      size = 0;
    };
    let sliceEnds = this.clock.monotonic() + SLICE_MS;
    for (const before of batch) {
      const after = await this.reseal(before);
      if (after === MISMATCH) walk.mismatched.push(before);
      else if (typeof after === 'string') await this.quarantine(before, after);
      else {
        walk.opened++;
        moves.push({ before, after });
        size += (after.accessCt?.length ?? 0) + (after.refreshCt?.length ?? 0) + (after.idCt?.length ?? 0);
      }
      if (size > MAX_STATEMENT_CHARACTERS) await flush();
      if (this.clock.monotonic() >= sliceEnds) {
        await this.clock.turn();
        sliceEnds = this.clock.monotonic() + SLICE_MS;
      }
    }
    await flush();
    if (walk.opened === 0 && walk.mismatched.length >= MANY) throw new KeyUnavailableError(MISMATCH);
    const lagging = batch.filter(({ sealedAt }) => sealedAt > key.supersededAt).length;
    if (moved > 0) this.events.emit({ type: 'rows_reencrypted', keyId: key.id, rows: moved, lagging });
    return moved;
  }

  /** The new cells, or why there are none. */
  private async reseal(row: SealedRow): Promise<SealedCells | string> {
    try {
      return await this.store.reseal(row);
    } catch (error) {
      if (error instanceof DecryptionError) return DecryptionError.reasonOf(error);
      if (error instanceof UnverifiedError) return 'NOT_VERIFIED';
      throw error;
    }
  }

  /** A row that cannot be opened is kept as it is, marked and reported; the others go on. */
  private async quarantine(row: SealedRow, reason: string): Promise<void> {
    if (await this.rows.quarantine(row, reason))
      this.events.emit({ type: 'row_quarantined', recordId: row.id, reason });
  }

  /** Single rows were changed by somebody. Where not one row opens, the key is not the one that has sealed them: stop. */
  private async judgeMismatches({ opened, mismatched }: Walk): Promise<void> {
    if (opened === 0 && mismatched.length > 1) throw new KeyUnavailableError(MISMATCH);
    for (const row of mismatched) await this.quarantine(row, MISMATCH);
  }
}
