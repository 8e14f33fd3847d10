import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { ConfigurationError } from './configuration.error.js';
import { databaseOptions, databaseUrl } from './database-url.js';

/** The database of the app where none is named: a file in its data folder. */
export const defaultDatabaseUrl = (dataDirectory: string): string =>
  `sqlite:${join(dataDirectory, 'tokenward.sqlite')}`;

/** The database alone, for the TypeORM CLI, which needs neither keys nor providers. @throws ConfigurationError */
export function readDatabase(source: NodeJS.ProcessEnv = process.env): DataSourceOptions {
  const url = source['DATABASE_URL'] || defaultDatabaseUrl(source['DATA_DIRECTORY'] || 'data');
  const { error } = databaseUrl.safeParse(url);
  if (error) throw new ConfigurationError(error.issues.map(({ message }) => `DATABASE_URL ${message}`));
  return databaseOptions(url);
}
