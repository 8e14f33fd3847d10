import type { Dialect } from './dialect.js';
import { NOW } from './dialect.js';

/** A piece of SQL with its values apart. Built by the `sql` tag only, so no value ever becomes SQL text. */
export class Fragment {
  constructor(
    readonly strings: readonly string[],
    readonly values: readonly unknown[],
  ) {}
}

export type TableName =
  | 'tokens'
  | 'dataKeys'
  | 'keks'
  | 'keyAudit'
  | 'replicas'
  | 'revocations'
  | 'providers'
  | 'lineage'
  | 'sessions'
  | 'authorizations'
  | 'logoutTokens';

/** Resolved when the statement is rendered for a database. */
export type Symbolic = { readonly symbol: 'now' | 'identity' | TableName };

export const now: Symbolic = { symbol: 'now' };
export const tokens: Symbolic = { symbol: 'tokens' };
export const dataKeys: Symbolic = { symbol: 'dataKeys' };
export const keks: Symbolic = { symbol: 'keks' };
export const keyAudit: Symbolic = { symbol: 'keyAudit' };
export const replicas: Symbolic = { symbol: 'replicas' };
export const revocations: Symbolic = { symbol: 'revocations' };
export const providers: Symbolic = { symbol: 'providers' };
export const lineage: Symbolic = { symbol: 'lineage' };
/** Of the database that carries the statement out; NULL where it does not tell. */
export const identity: Symbolic = { symbol: 'identity' };
export const sessions: Symbolic = { symbol: 'sessions' };
export const authorizations: Symbolic = { symbol: 'authorizations' };
export const logoutTokens: Symbolic = { symbol: 'logoutTokens' };

export function sql(strings: TemplateStringsArray, ...values: unknown[]): Fragment {
  return new Fragment(strings, values);
}

export function join(fragments: readonly Fragment[], separator: string): Fragment {
  return new Fragment(['', ...fragments.slice(1).map(() => separator), ''], fragments);
}

/** `value, value, …` for an IN list. */
export const list = (values: readonly unknown[]): Fragment =>
  join(
    values.map((value) => sql`${value}`),
    ', ',
  );

/** The database's clock plus a duration; null stays null. */
export const fromNow = (milliseconds: number | null): Fragment =>
  milliseconds === null ? sql`NULL` : sql`${now} + ${milliseconds}`;

export interface Statement {
  text: string;
  values: unknown[];
}

export interface Rendering {
  dialect: Dialect;
  /** Escaped. */
  tables: Record<TableName, string>;
  identity: string;
}

/** `$1` for PostgreSQL, `?` for the others. */
export function render(fragment: Fragment, rendering: Rendering): Statement {
  const values: unknown[] = [];
  const visit = ({ strings, values: parts }: Fragment): string =>
    strings.reduce((text, string, index) => {
      const part = parts[index - 1];
      if (part instanceof Fragment) return text + visit(part) + string;
      if (isSymbolic(part)) return text + symbolText(part, rendering) + string;
      values.push(part);
      return `${text}${rendering.dialect === 'postgres' ? `$${values.length}` : '?'}${string}`;
    });
  return { text: visit(fragment), values };
}

function symbolText({ symbol }: Symbolic, rendering: Rendering): string {
  if (symbol === 'now') return NOW[rendering.dialect];
  return symbol === 'identity' ? rendering.identity : rendering.tables[symbol];
}

function isSymbolic(part: unknown): part is Symbolic {
  return typeof part === 'object' && part !== null && 'symbol' in part;
}
