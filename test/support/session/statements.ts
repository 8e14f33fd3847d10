import type { DataSource, QueryRunner } from 'typeorm';

type Query = (...args: unknown[]) => Promise<unknown>;

/** What replicas do on their own: look for keys and for a restored database, and say that they live. */
const BACKGROUND = /tokenward_(replicas|data_keys|keks|lineage)/;

/** From now on every statement that TypeORM or, on PostgreSQL, the library itself gives to the driver, but for those in the background. */
export function statementsOf(dataSource: DataSource): string[] {
  const statements: string[] = [];
  const noting =
    (query: Query): Query =>
    (...args) => {
      const [statement] = args as [string | { text: string }];
      const text = typeof statement === 'string' ? statement : statement.text;
      if (!BACKGROUND.test(text)) statements.push(text);
      return query(...args);
    };
  const known = new WeakSet<QueryRunner>();
  const create = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (mode) => {
    const runner = create(mode);
    // SQLite hands out one runner again and again.
    if (!known.has(runner)) runner.query = noting(runner.query.bind(runner) as Query) as QueryRunner['query'];
    known.add(runner);
    return runner;
  };
  const { master } = dataSource.driver as unknown as { master?: { query: Query } };
  if (master) master.query = noting(master.query.bind(master));
  return statements;
}
