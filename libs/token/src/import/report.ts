import type { RowFault } from './row-failure.js';

export interface ImportCounts {
  /** Rows of your table that were looked at. */
  read: number;
  /** Stored, read back and opened; in a dry run those that would be. */
  imported: number;
  /** Tokenward has a row for that user already; it was left as it is. */
  exists: number;
  /** Of these, the ones that hold other tokens: a later log-in or refresh. */
  existsWithOtherTokens: number;
  /** Left out, because a row before them has the same `ref`. A run that goes on from a checkpoint knows its own rows only. */
  duplicates: number;
  /** `map` returned null. */
  skipped: number;
  failed: number;
}

export interface ImportFailure extends RowFault {
  /** The row's value of the key column; binary ones in hex. */
  key: string;
}

export interface ImportProgress extends ImportCounts {
  /** Rows in the table when the import began. */
  total: number;
}

export interface ImportReport extends ImportProgress {
  dryRun: boolean;
  /** The key after which this run went on; null for one that began at the beginning. Counts include the earlier runs. */
  resumedAfter: string | null;
  failedByReason: Record<string, number>;
  /** The first 1,000. */
  failures: ImportFailure[];
}

export type Outcome = 'imported' | 'exists' | 'existsWithOtherTokens' | 'duplicates' | 'skipped';

/** What a checkpoint keeps of a report. */
export interface TallyState {
  counts: ImportCounts;
  failedByReason: Record<string, number>;
  failures: ImportFailure[];
}

const MAX_FAILURES = 1_000;

/** Counts outcomes. */
export class Tally {
  readonly #state: TallyState;

  constructor(state: TallyState | null = null) {
    const none = {
      read: 0,
      imported: 0,
      exists: 0,
      existsWithOtherTokens: 0,
      duplicates: 0,
      skipped: 0,
      failed: 0,
    };
    this.#state = structuredClone(state ?? { counts: none, failedByReason: {}, failures: [] });
  }

  get state(): TallyState {
    return structuredClone(this.#state);
  }

  add(outcome: Outcome): void {
    const { counts } = this.#state;
    counts.read++;
    counts[outcome]++;
    if (outcome === 'existsWithOtherTokens') counts.exists++;
  }

  fail(failure: ImportFailure): void {
    const { counts, failedByReason, failures } = this.#state;
    counts.read++;
    counts.failed++;
    failedByReason[failure.reason] = (failedByReason[failure.reason] ?? 0) + 1;
    if (failures.length < MAX_FAILURES) failures.push(failure);
  }
}
