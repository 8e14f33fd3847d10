import type { DataSource, QueryRunner } from 'typeorm';

export type Run = (text: string, values: unknown[]) => Promise<unknown>;
/** Stands between the library and its database; calls `run` to let the statement through, changed or not. */
export type Around = (text: string, values: unknown[], run: Run) => Promise<unknown>;

interface Prepared {
  reader: boolean;
  run(...values: unknown[]): unknown;
}
interface SqliteDriver {
  databaseConnection: { prepare(text: string): Prepared };
}

/** Every statement and every commit of this DataSource passes `around`. */
export function interceptAsync(dataSource: DataSource, around: Around): void {
  const create = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (mode) => intercepted(create(mode), around);
  // On PostgreSQL the statements of a refresh go straight to the driver's pool.
  const { master } = dataSource.driver as unknown as { master?: { query: PoolQuery } };
  if (!master) return;
  const query = master.query.bind(master);
  master.query = (statement) =>
    around(statement.text, statement.values, (text, values) =>
      query(text === statement.text ? { ...statement, values } : { text, values }),
    );
}

type PoolQuery = (statement: { name?: string; text: string; values: unknown[] }) => Promise<unknown>;

function intercepted(runner: QueryRunner, around: Around): QueryRunner {
  const replaced: Record<string, unknown> = {
    query: (text: string, values: unknown[] = [], structured = false) =>
      around(text, values, (...changed) =>
        structured ? runner.query(...changed, true) : runner.query(...changed),
      ),
    commitTransaction: () => around('COMMIT', [], () => runner.commitTransaction()),
  };
  // SQLite hands out one runner again and again: a view of it, not the runner itself, is changed.
  return new Proxy(runner, {
    get(target, name) {
      const value: unknown = replaced[name as string] ?? Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/**
 * Calls `before` and `after` around every statement that writes, on all databases, within transactions too. What they
 * throw is what the library gets from its database.
 */
export function interceptWrites(
  dataSource: DataSource,
  before: (text: string) => void,
  after: (text: string) => void,
): void {
  if (dataSource.options.type !== 'better-sqlite3') {
    interceptAsync(dataSource, async (text, values, run) => {
      if (!writes(text)) return run(text, values);
      before(text);
      const result = await run(text, values);
      after(text);
      return result;
    });
    return;
  }
  const driver = dataSource.driver as unknown as SqliteDriver;
  const prepare = driver.databaseConnection.prepare.bind(driver.databaseConnection);
  driver.databaseConnection.prepare = (text) => {
    const statement = prepare(text);
    if (statement.reader) return statement;
    const run = statement.run.bind(statement);
    statement.run = (...values) => {
      before(text);
      const result = run(...values);
      after(text);
      return result;
    };
    return statement;
  };
}

const writes = (text: string): boolean => /^\s*(?:INSERT|UPDATE|DELETE|COMMIT)\b/i.test(text);
