import { dialectOf } from '../database/dialect.js';
import type { DataSource, SourceRow } from './definition.js';
import { ImportError } from './import.error.js';
import { notUnique, sourceKey, type SourceKey } from './source-key.js';

export interface KeyedRow {
  key: SourceKey;
  row: SourceRow;
}

/** Your table. It is read in pages by its key, each in a read-only transaction of its own, so none stays open for long. */
export class SourceTable {
  readonly #table: string;
  readonly #key: string;
  readonly #dialect;

  constructor(
    private readonly source: DataSource,
    table: string,
    private readonly keyColumn: string,
  ) {
    this.#dialect = dialectOf(source.options.type);
    this.#table = table
      .split('.')
      .map((part) => source.driver.escape(part))
      .join('.');
    this.#key = source.driver.escape(keyColumn);
  }

  /** How many rows there are. @throws ImportError when the key is not a key, so that pages would lose rows */
  async count(): Promise<number> {
    const [counts] = await this.#select(
      `SELECT COUNT(*) AS total, COUNT(DISTINCT ${this.#key}) AS distinct_keys FROM ${this.#table}`,
    );
    const total = Number(counts?.['total']);
    if (Number(counts?.['distinct_keys']) !== total) throw notUnique(this.keyColumn);
    return total;
  }

  /** The next rows in the order of their keys. */
  async page(after: SourceKey | null, limit: number): Promise<KeyedRow[]> {
    const placeholder = this.#dialect === 'postgres' ? '$1' : '?';
    const rows = await this.#select(
      `SELECT * FROM ${this.#table} ${after === null ? '' : `WHERE ${this.#key} > ${placeholder}`} ORDER BY ${this.#key} LIMIT ${limit}`,
      after === null ? [] : [after],
    );
    return rows.map((row) => ({ key: sourceKey(this.keyColumn, row[this.keyColumn]), row }));
  }

  async #select(text: string, values: unknown[] = []): Promise<SourceRow[]> {
    try {
      return await this.#readOnly(text, values);
    } catch (error) {
      throw new ImportError('SOURCE_UNREADABLE', `The source cannot be read: ${firstLine(error)}`);
    }
  }

  async #readOnly(text: string, values: unknown[]): Promise<SourceRow[]> {
    const runner = this.source.createQueryRunner('master');
    // SQLite knows no read-only transactions.
    const transaction = this.#dialect !== 'sqlite';
    try {
      if (transaction) await runner.query('START TRANSACTION READ ONLY');
      const rows = (await runner.query(text, values)) as SourceRow[];
      if (transaction) await runner.query('COMMIT');
      return rows;
    } catch (error) {
      if (transaction) await runner.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  }
}

/** Of a SELECT that holds no value but a key. */
const firstLine = (error: unknown): string =>
  ((error as Error).message || (error as Error).name).split('\n')[0]!;
