import type { DataSource, QueryRunner } from 'typeorm';

type Query = (...args: unknown[]) => Promise<unknown>;

/** From now on every statement that TypeORM or, on PostgreSQL, the library itself gives to the driver. */
export function statementsOf(dataSource: DataSource): string[] {
  const statements: string[] = [];
  const noting =
    (query: Query): Query =>
    (...args) => {
      const [statement] = args as [string | { text: string }];
      statements.push(typeof statement === 'string' ? statement : statement.text);
      return query(...args);
    };
  const create = dataSource.createQueryRunner.bind(dataSource);
  dataSource.createQueryRunner = (mode) => {
    const runner = create(mode);
    const query = runner.query.bind(runner) as Query;
    return new Proxy(runner, {
      get: (target, name) =>
        name === 'query' ? noting(query) : (Reflect.get(target, name, target) as QueryRunner),
    });
  };
  const { master } = dataSource.driver as unknown as { master?: { query: Query } };
  if (master) master.query = noting(master.query.bind(master));
  return statements;
}
