import type { Checkpoint } from './checkpoint.js';
import { decodeRow } from './decode.js';
import type { ResolvedDefinition } from './definition.js';
import { ImportError } from './import.error.js';
import type { ImportTarget, Storable } from './import-target.js';
import { type ImportFailure, type ImportProgress, type ImportReport, Tally } from './report.js';
import { rowFault } from './row-failure.js';
import { shownKey, type SourceKey } from './source-key.js';
import { SourceRefs } from './source-refs.js';
import type { KeyedRow, SourceTable } from './source-table.js';
import { windows } from './windows.js';

export interface ImportObserver {
  onProgress?: (progress: ImportProgress) => void;
  onFailure?: (failure: ImportFailure) => void;
}

interface Parts {
  definition: ResolvedDefinition;
  source: SourceTable;
  target: ImportTarget;
  checkpoint: Checkpoint | null;
  dryRun: boolean;
  observer: ImportObserver;
}

type KeyedStorable = Storable & { key: SourceKey };

/** Takes your table page by page into Tokenward. */
export class Importer {
  #tally = new Tally();
  #total = 0;
  readonly #refs = new SourceRefs();

  constructor(private readonly parts: Parts) {}

  /** @throws ImportError when it cannot go on; a bad row is counted instead */
  async run(): Promise<ImportReport> {
    const { source, target, checkpoint, definition } = this.parts;
    await target.check();
    this.#total = await source.count();
    const position = (await checkpoint?.read()) ?? null;
    this.#tally = new Tally(position?.tally);
    // What has gone well before needs no proof that the password is right.
    if (!position) await this.assertSomethingOpens();
    let after = position?.after ?? null;
    for (;;) {
      const page = await source.page(after, definition.batchSize);
      if (page.length === 0) break;
      await this.take(page);
      after = page.at(-1)!.key;
      await checkpoint?.write({ after, tally: this.#tally.state });
    }
    await checkpoint?.remove();
    return this.report(position?.after ?? null);
  }

  /** A wrong password should be one sentence, and not a failure for every row. */
  private async assertSomethingOpens(): Promise<void> {
    const { source, target, definition } = this.parts;
    if (definition.checkRows === 0) return;
    await target.synchronize();
    const reasons = new Map<string, number>();
    for (const { row } of await source.page(null, definition.checkRows)) {
      try {
        const decoded = await decodeRow(definition, row);
        if (decoded === null) continue;
        target.prepare(decoded);
        return;
      } catch (error) {
        const { reason, detail } = rowFault(error, 'MAP_FAILED');
        const text = `${reason}: ${detail}`;
        reasons.set(text, (reasons.get(text) ?? 0) + 1);
      }
    }
    if (reasons.size > 0) throw nothingOpens(definition.table, reasons);
  }

  private async take(page: readonly KeyedRow[]): Promise<void> {
    await this.parts.target.synchronize();
    const ready: KeyedStorable[] = [];
    for (const row of page) {
      const storable = await this.decode(row);
      if (storable) ready.push({ ...storable, key: row.key });
    }
    this.progress();
    for (const window of windows(ready)) {
      const results = await Promise.allSettled(window.map((row) => this.store(row)));
      this.progress();
      const stopped = results.find((result) => result.status === 'rejected');
      if (stopped) throw stopped.reason;
    }
  }

  private async decode({ key, row }: KeyedRow): Promise<Storable | null> {
    try {
      const decoded = await decodeRow(this.parts.definition, row);
      if (decoded) return this.parts.target.prepare(decoded);
      this.#tally.add('skipped');
    } catch (error) {
      this.fail(key, error, 'MAP_FAILED');
    }
    return null;
  }

  private async store(row: KeyedStorable): Promise<void> {
    const { target, dryRun } = this.parts;
    try {
      const outcome = await (dryRun ? target.rehearse(row) : target.store(row));
      // Only now: after a row that fails, the next one for its `ref` takes the place.
      this.#tally.add(this.#refs.add(row.ref) ? outcome : 'duplicates');
    } catch (error) {
      if (error instanceof ImportError) throw error;
      this.fail(row.key, error, 'WRITE_FAILED');
    }
  }

  private fail(key: SourceKey, error: unknown, reason: string): void {
    const failure = { key: shownKey(key), ...rowFault(error, reason) };
    this.#tally.fail(failure);
    this.parts.observer.onFailure?.(failure);
  }

  private progress(): void {
    this.parts.observer.onProgress?.({ total: this.#total, ...this.#tally.state.counts });
  }

  private report(after: SourceKey | null): ImportReport {
    const { counts, ...rest } = this.#tally.state;
    return {
      dryRun: this.parts.dryRun,
      total: this.#total,
      resumedAfter: after === null ? null : shownKey(after),
      ...counts,
      ...rest,
    };
  }
}

function nothingOpens(table: string, reasons: ReadonlyMap<string, number>): ImportError {
  const rows = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  const seen = [...reasons].map(([text, count]) => `${count} × ${text}`).join('; ');
  const sealed = [...reasons.keys()].every((text) =>
    /^LEGACY_(?:AUTH_FAILED|NOT_TEXT|KEY_UNKNOWN):/.test(text),
  );
  const question = sealed ? 'is the password or key right?' : 'do the cipher and `map` fit the table?';
  return new ImportError(
    'NOTHING_OPENS',
    `None of the first ${rows} rows of "${table}" can be imported: ${question} Nothing was written. (${seen})`,
  );
}
