import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import { z } from 'zod';

const schemes: Record<string, (url: string) => DataSourceOptions> = {
  'postgres:': (url) => ({ type: 'postgres', url }),
  'postgresql:': (url) => ({ type: 'postgres', url }),
  'mysql:': (url) => ({ type: 'mysql', url }),
  'mariadb:': (url) => ({ type: 'mariadb', url }),
  'sqlite:': (url) => sqlite(url.slice('sqlite:'.length)),
};

/** Readers and the writer do not wait for each other, and a write that was confirmed is on the disk. */
function sqlite(database: string): DataSourceOptions {
  if (database !== ':memory:') mkdirSync(dirname(database), { recursive: true, mode: 0o700 });
  return { type: 'better-sqlite3', database, enableWAL: database !== ':memory:' };
}

const schemeOf = (url: string): string => /^[a-z]+:/.exec(url)?.[0] ?? '';

export const databaseUrl = z
  .string()
  .refine(
    (url) => Object.hasOwn(schemes, schemeOf(url)) && url.length > schemeOf(url).length,
    'must be postgres://…, mysql://…, mariadb://… or sqlite:path',
  );

/** How TypeORM reaches the database of this URL. A folder for a SQLite file is made where there is none. */
export function databaseOptions(url: string): DataSourceOptions {
  return schemes[schemeOf(url)]!(url);
}
