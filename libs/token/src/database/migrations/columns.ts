import type { QueryRunner, TableColumnOptions } from 'typeorm';
import type { Dialect } from '../dialect.js';

// Exact comparison: by default MySQL and MariaDB take "Ada" and "ada" for the same user.
const EXACT = { charset: 'utf8mb4', collation: 'utf8mb4_bin' };

export function columnsOf(dialect: Dialect) {
  const exact = dialect === 'mysql' ? EXACT : {};
  const text = (name: string, length: number, isNullable = false): TableColumnOptions => ({
    name,
    type: 'varchar',
    length: String(length),
    isNullable,
    ...exact,
  });
  const long = (name: string, isNullable = true): TableColumnOptions => ({
    name,
    type: 'text',
    isNullable,
    ...exact,
  });
  const instant = (name: string, isNullable = false): TableColumnOptions => ({
    name,
    type: 'bigint',
    isNullable,
  });
  const integer = (name: string, isNullable = false): TableColumnOptions => ({
    name,
    type: dialect === 'mysql' ? 'int' : 'integer',
    isNullable,
  });
  return { text, long, instant, integer };
}

/** With the prefix and the schema of the host's data source, as its entities have them. */
export function tablePath({ connection }: QueryRunner, name: string): string {
  const { entityPrefix = '', schema } = connection.options as { entityPrefix?: string; schema?: string };
  return `${schema ? `${schema}.` : ''}${entityPrefix}${name}`;
}
