import { ImportError } from './import.error.js';

/** A value of the key column, as it goes back into the next SELECT. */
export type SourceKey = string | number | Buffer;

const unsuitable = (column: string, why: string): ImportError =>
  new ImportError('KEY_COLUMN_UNSUITABLE', `The key column "${column}" ${why}.`);

/** @throws ImportError for what would not find the next row again */
export function sourceKey(column: string, value: unknown): SourceKey {
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') {
    if (Number.isInteger(value) && !Number.isSafeInteger(value))
      throw unsuitable(column, 'holds numbers beyond 2^53, which this driver rounds: choose another one');
    return value;
  }
  if (value === undefined) throw unsuitable(column, 'is not in the table');
  throw unsuitable(column, 'must hold numbers, texts or ids: choose a unique column of one of these types');
}

export const notUnique = (column: string): ImportError =>
  unsuitable(column, 'is not unique or holds nulls, so rows would be left out: choose the primary key');

/** How a person finds the row. */
export const shownKey = (key: SourceKey): string =>
  Buffer.isBuffer(key) ? key.toString('hex') : String(key);

export type KeyJson = string | number | { hex: string };

export const keyToJson = (key: SourceKey): KeyJson =>
  Buffer.isBuffer(key) ? { hex: key.toString('hex') } : key;

/** Null for what is no key. */
export function keyFromJson(json: unknown): SourceKey | null {
  if (typeof json === 'string' || typeof json === 'number') return json;
  const hex = (json as { hex?: unknown } | null)?.hex;
  return typeof hex === 'string' ? Buffer.from(hex, 'hex') : null;
}
