import type { Dialect } from './dialect.js';
import { Fragment, sql } from './sql.js';

const TEXT: Record<Dialect, string> = {
  postgres: 'text',
  mysql: 'TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  sqlite: 'text',
};

/** Names of columns and tables in this library's own statements, never input. */
const raw = (text: string): Fragment => new Fragment([text], []);

/**
 * Many rows as one parameter: something to select from, named `v`, with a text column for each field. One statement
 * for a whole batch on every database, whatever its limit of parameters is.
 */
export function jsonRows(
  dialect: Dialect,
  fields: readonly string[],
  rows: readonly Record<string, string | null>[],
): Fragment {
  const json = JSON.stringify(rows);
  if (dialect === 'postgres')
    return sql`json_to_recordset(${json}) AS v(${raw(fields.map((field) => `${field} text`).join(', '))})`;
  if (dialect === 'mysql') {
    const columns = fields.map((field) => `${field} ${TEXT.mysql} PATH '$.${field}'`).join(', ');
    return sql`JSON_TABLE(${json}, '$[*]' COLUMNS (${raw(columns)})) AS v`;
  }
  const columns = fields.map((field) => `value ->> '${field}' AS ${field}`).join(', ');
  return sql`(SELECT ${raw(columns)} FROM json_each(${json})) AS v`;
}

/** `UPDATE table SET … FROM rows v WHERE …` in the database's own words; the table's alias is `t`. */
export function updateFrom(
  dialect: Dialect,
  table: unknown,
  rows: Fragment,
  columns: Record<string, Fragment>,
  condition: Fragment,
): Fragment {
  const assigned = Object.entries(columns).map(([column, value]) => {
    const name = raw(dialect === 'mysql' ? `t.${column}` : column);
    return sql`${name} = ${value}`;
  });
  const set = new Fragment(['', ...assigned.slice(1).map(() => ', '), ''], assigned);
  return dialect === 'mysql'
    ? sql`UPDATE ${table} t JOIN ${rows} SET ${set} WHERE ${condition}`
    : sql`UPDATE ${table} AS t SET ${set} FROM ${rows} WHERE ${condition}`;
}
