import type { Clock } from '../common/clock.js';
import { DecryptionError, KeyUnavailableError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import { randomId } from '../crypto/random.js';
import { keyIdIn } from '../crypto/record-text.js';
import { sealedPages } from './sealed-pages.js';
import { type EmptyingKey, type SealedRow, SealedRows } from './sealed-rows.js';
import { FencedWriteError, type SealedCells } from './token-rows.js';
import { Slices } from './slices.js';
import { TokenStore } from './token-store.js';

/** While the database works on some statements, the next one is put together. */
const WRITES_AT_ONCE = 3;
/** A long statement costs the processor less for each row; */
const MAX_CHARACTERS = 300_000;
/** but it is put together in one go, and whoever asks this process for a token waits for that. */
const MAX_CHARACTERS_BESIDE_READERS = 60_000;
const REPORT_MS = 1_000;
const ATTEMPTS = 3;
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
  /** Whether the key is known to open rows: in this walk, or in one before. */
  opens: boolean;
  /** Rows whose records name the key and were sealed by other bytes. */
  readonly mismatched: SealedRow[];
  /** Rows that were moved since `reportedAt`. */
  unreported: number;
  reportedAt: number;
  readonly slices: Slices;
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
   * @throws KeyUnavailableError that counts, when a key cannot be used now; what was moved stays moved, and the other keys
   * were walked
   */
  async run({ signal, onProgress }: ReencryptionOptions = {}): Promise<number> {
    let moved = 0;
    // A walk that ends early has moved rows, too.
    const counting = (rows: number): void => {
      moved += rows;
      onProgress?.(rows);
    };
    const failures: KeyUnavailableError[] = [];
    for (const key of await this.rows.findEmptyingKeys()) {
      try {
        await this.walk(key, { signal, onProgress: counting });
      } catch (error) {
        if (!(error instanceof KeyUnavailableError)) throw error;
        failures.push(error);
      }
      if (signal?.aborted) break;
    }
    const [failure] = failures;
    if (failure)
      throw new KeyUnavailableError(
        failure.reason,
        `${moved} row(s) were moved and stay moved; ${failures.length} data key(s) could not be emptied.`,
      );
    return moved;
  }

  private async walk(key: EmptyingKey, options: ReencryptionOptions): Promise<void> {
    const middle = randomId();
    const slices = new Slices(this.clock, this.events);
    const walk: Walk = {
      key,
      opens: key.hasMoved,
      mismatched: [],
      unreported: 0,
      reportedAt: -Infinity,
      slices,
    };
    const pages = (after: string, end: string | null): AsyncIterable<SealedRow[]> =>
      sealedPages(this.rows, key, { after, end }, this.settings);
    try {
      await this.move(walk, pages(middle, null), options);
      await this.move(walk, pages(FIRST_ID, middle), options);
      if (!options.signal?.aborted) await this.judgeMismatches(walk);
    } finally {
      slices.end();
    }
  }

  /** While the database writes some rows, the next ones are sealed. */
  private async move(
    walk: Walk,
    pages: AsyncIterable<SealedRow[]>,
    { signal, onProgress }: ReencryptionOptions,
  ): Promise<void> {
    if (signal?.aborted) return;
    const writing: Promise<void>[] = [];
    try {
      for await (const moves of this.sealed(walk, pages)) {
        if (writing.length === WRITES_AT_ONCE) await writing.shift()!;
        const write = this.write(walk, moves, onProgress);
        // Who awaits it learns of a failure; sealing may fail before.
        write.catch(() => undefined);
        writing.push(write);
        if (signal?.aborted) break;
      }
      while (writing.length > 0) await writing.shift()!;
      await this.report(walk);
    } catch (error) {
      const others = await Promise.allSettled(writing);
      await this.report(walk).catch(() => undefined);
      // That a key is away must not hide that the database is.
      const worse = others.find(
        (other) => other.status === 'rejected' && !(other.reason instanceof KeyUnavailableError),
      );
      throw worse?.status === 'rejected' ? worse.reason : error;
    }
  }

  /** Rows with their new cells, as many as one statement takes. */
  private async *sealed(walk: Walk, pages: AsyncIterable<SealedRow[]>): AsyncGenerator<Move[]> {
    for await (const page of pages) {
      let moves: Move[] = [];
      let size = 0;
      for (const before of page) {
        const after = await this.reseal(walk.key, before);
        if (after === MISMATCH) walk.mismatched.push(before);
        else if (typeof after === 'string') await this.quarantine(before, after);
        else {
          walk.opens = true;
          moves.push({ before, after });
          for (const cell of Object.values(after) as (string | null)[]) size += cell?.length ?? 0;
        }
        if (size > (walk.slices.hasReaders ? MAX_CHARACTERS_BESIDE_READERS : MAX_CHARACTERS)) {
          yield moves;
          moves = [];
          size = 0;
        }
        await walk.slices.giveWay();
      }
      if (!walk.opens && walk.mismatched.length >= MANY) throw new KeyUnavailableError(MISMATCH);
      if (moves.length > 0) yield moves;
    }
  }

  /** The new cells, or why there are none. */
  private async reseal(key: EmptyingKey, row: SealedRow): Promise<SealedCells | string> {
    try {
      let cells = await this.store.reseal(row);
      if (isUnder(key, cells)) {
        // This replica has not heard of the rotation yet.
        this.store.keyReplaced(key.tenantId);
        cells = await this.store.reseal(row);
        if (isUnder(key, cells)) throw new KeyUnavailableError('KEY_NOT_REPLACED');
      }
      return cells;
    } catch (error) {
      if (error instanceof DecryptionError) return DecryptionError.reasonOf(error);
      throw error;
    }
  }

  private async write(
    walk: Walk,
    moves: readonly Move[],
    onProgress: ReencryptionOptions['onProgress'],
  ): Promise<void> {
    const { key } = walk;
    const moved = await this.writeFenced(key, moves);
    const lagging = moves.filter(({ before }) => before.sealedAt > key.supersededAt).length;
    if (moved > 0) this.events.emit({ type: 'rows_reencrypted', keyId: key.id, rows: moved, lagging });
    walk.unreported += moved;
    if (this.clock.monotonic() - walk.reportedAt >= REPORT_MS) await this.report(walk);
    onProgress?.(moved);
  }

  private async report(walk: Walk): Promise<void> {
    const { unreported } = walk;
    walk.unreported = 0;
    walk.reportedAt = this.clock.monotonic();
    if (unreported > 0) await this.rows.addProgress(walk.key.id, unreported);
  }

  /** Where the new key was retired meanwhile, the rows are sealed again under the one after it. */
  private async writeFenced(key: EmptyingKey, moves: readonly Move[]): Promise<number> {
    let current = moves;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.rows.move(key, current);
      } catch (error) {
        if (!(error instanceof FencedWriteError)) throw error;
        if (attempt === ATTEMPTS) throw new KeyUnavailableError(error.reason);
        this.store.keyRefused(key.tenantId);
        const again: Move[] = [];
        for (const { before } of moves) {
          const after = await this.reseal(key, before);
          // It could be opened a moment ago: the next walk looks at it again.
          if (typeof after !== 'string') again.push({ before, after });
        }
        current = again;
      }
    }
  }

  /** A row that cannot be opened is kept as it is, marked and reported; the others go on. */
  private async quarantine(row: SealedRow, reason: string): Promise<void> {
    if (await this.rows.quarantine(row, reason))
      this.events.emit({ type: 'row_quarantined', recordId: row.id, reason });
  }

  /** Single rows were changed by somebody. Where not one row opens, the key is not the one that has sealed them: stop. */
  private async judgeMismatches({ opens, mismatched }: Walk): Promise<void> {
    if (!opens && mismatched.length > 1) throw new KeyUnavailableError(MISMATCH);
    for (const row of mismatched) await this.quarantine(row, MISMATCH);
  }
}

const isUnder = ({ keyIdText }: EmptyingKey, { accessCt, refreshCt, idCt }: SealedCells): boolean =>
  keyIdIn(accessCt ?? refreshCt ?? idCt ?? '') === keyIdText;
