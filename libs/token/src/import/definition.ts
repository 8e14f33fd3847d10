import { TokenConfigurationError } from '../common/errors.js';
import type { TokenRef } from '../common/tokens.js';
import type { DpopPrivateKey } from '../crypto/dpop-key.js';
import type { LegacyCipher } from '../crypto/legacy/legacy-cipher.js';
import type { Database } from '../database/database.js';
import type { TokenModuleOptions } from '../token.options.js';

/** TypeORM's DataSource, by way of the one class that knows it. */
export type DataSource = NonNullable<ConstructorParameters<typeof Database>[0]>;

/** A row of your table as the driver hands it out. */
export type SourceRow = Record<string, unknown>;

/** What one row of your table holds, in the clear. */
export interface ImportedTokens {
  ref: TokenRef;
  /** Null, as what `open` returns for an empty column, is refused: a row without an access token cannot be stored. */
  accessToken: string | null;
  refreshToken?: string | null;
  /** Its signature and claims are not checked: it was, when your application took it from the provider. */
  idToken?: string | null;
  /** Of the access token. Missing: its own `exp` if it is a JSON Web Token, otherwise no expiry is known. */
  expiresAt?: Date | null;
  /** Separated by spaces. */
  scope?: string | null;
  /** Default: `Bearer`. */
  tokenType?: string | null;
  /** The private key that the tokens are bound to (DPoP), as `storeTokens` takes it. */
  dpopKey?: DpopPrivateKey | null;
}

/** Opens one stored token with the `cipher`; null, undefined and an empty text are null. */
export type OpenStored = (stored: unknown) => string | null;

export interface ImportDefinition {
  /** Where your table is. Only read: SELECT, in read-only transactions on PostgreSQL, MariaDB and MySQL. */
  source: DataSource;
  /** Where Tokenward's tables are, with `tokenEntities`. May be the same as `source`. */
  target: DataSource;
  /** As in the options of `TokenModule`. */
  encryption: TokenModuleOptions['encryption'];
  /** Your table, with its schema where it needs one: `auth.oauth_tokens`. */
  table: string;
  /** A column of that table that is unique and never null: numbers, texts, UUIDs or short binary ids. */
  keyColumn: string;
  cipher: LegacyCipher;
  /** What a row means. Null skips the row. What it throws fails the row, not the import. */
  map: (row: SourceRow, open: OpenStored) => ImportedTokens | null | Promise<ImportedTokens | null>;
  /** The names in `TokenModuleOptions.providers`; a row that names another one fails. Default: any well-formed name. */
  providers?: readonly string[];
  /** Rows read at once, and between two checkpoints. 1 to 10000. Default 500. */
  batchSize?: number;
  /** So many rows are looked at first; if none of them opens, the import stops before it writes. 0 to 10000, 0: none. Default 20. */
  checkRows?: number;
}

export type ResolvedDefinition = ImportDefinition &
  Required<Pick<ImportDefinition, 'batchSize' | 'checkRows'>>;

const MAX_ROWS = 10_000;

type Check = [fault: string, holds: (value: unknown) => boolean];
const isFunction = (value: unknown): boolean => typeof value === 'function';
const member = (value: unknown, name: string): unknown => (value as Record<string, unknown> | null)?.[name];
const isDataSource = (value: unknown): boolean =>
  typeof value === 'object' && isFunction(member(value, 'createQueryRunner'));
const isName = (value: unknown): boolean => typeof value === 'string' && /^[^\0]+$/.test(value);
const between =
  (low: number) =>
  (value: unknown): boolean =>
    value === undefined ||
    (Number.isInteger(value) && (value as number) >= low && (value as number) <= MAX_ROWS);

const FIELDS: Record<keyof ImportDefinition, Check> = {
  source: ['must be a DataSource of TypeORM', isDataSource],
  target: ['must be a DataSource of TypeORM, with tokenEntities', isDataSource],
  encryption: ['must be { keyring } or { wrapper }', (value) => typeof value === 'object' && value !== null],
  table: ['must be the name of your table', isName],
  keyColumn: ['must be the name of a column', isName],
  cipher: ['must have a method decrypt(stored)', (value) => isFunction(member(value, 'decrypt'))],
  map: ['must be a function (row, open) => tokens', isFunction],
  providers: [
    'must be a list of names',
    (value) => value === undefined || (Array.isArray(value) && value.every(isName)),
  ],
  batchSize: [`must be a whole number from 1 to ${MAX_ROWS}`, between(1)],
  checkRows: [`must be a whole number from 0 to ${MAX_ROWS}`, between(0)],
};

/** An import from a table of your own; the default export of `tokenward.import.js`. @throws TokenConfigurationError with every fault at once */
export function defineImport(definition: ImportDefinition): ImportDefinition {
  const given = (definition ?? {}) as unknown as Record<string, unknown>;
  const faults = [
    ...Object.entries(FIELDS)
      .filter(([name, [, holds]]) => !holds(given[name]))
      .map(([name, [fault]]) => `defineImport ${name}: ${fault}`),
    ...Object.keys(given)
      .filter((name) => !Object.hasOwn(FIELDS, name))
      .map((name) => `defineImport ${name}: is not an option; check the spelling`),
  ];
  if (faults.length > 0) throw new TokenConfigurationError(faults);
  return definition;
}

export function resolveDefinition(definition: ImportDefinition): ResolvedDefinition {
  return { ...definition, batchSize: definition.batchSize ?? 500, checkRows: definition.checkRows ?? 20 };
}
