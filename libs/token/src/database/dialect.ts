import { TokenConfigurationError } from '../common/errors.js';

export type Dialect = 'postgres' | 'mysql' | 'sqlite';

const DIALECTS: Record<string, Dialect> = {
  postgres: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  'better-sqlite3': 'sqlite',
};

/** @throws TokenConfigurationError for a database that is not supported */
export function dialectOf(dataSourceType: string): Dialect {
  const dialect = DIALECTS[dataSourceType];
  if (!dialect) {
    throw new TokenConfigurationError([
      `The data source's type "${dataSourceType}" is not supported: use postgres, mysql, mariadb or better-sqlite3.`,
    ]);
  }
  return dialect;
}

/** Epoch milliseconds of the database's clock at the moment of evaluation, independent of any time zone. */
export const NOW: Record<Dialect, string> = {
  postgres: 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint',
  mysql: "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000)",
  sqlite: "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER)",
};
