import { RecordError } from './record.js';

/** Records are kept in text columns as `tm1.` + base64url: the same on every database, and no `bytea` in hex on the wire. */
const PREFIX = 'tm1.';

/** Where the database's generated `key_id` columns find the key in that text, counted from 1: flags and 124 bits of the key id. */
export const KEY_ID_POSITION = 9;
export const KEY_ID_LENGTH = 22;

export function recordToText(record: Buffer): string {
  return PREFIX + record.toString('base64url');
}

/** @throws RecordError for anything that this library did not write; the text itself is never part of the error. */
export function recordFromText(text: string): Buffer {
  if (text === '') throw new RecordError('EMPTY');
  if (!text.startsWith(PREFIX)) throw new RecordError('NOT_ENCRYPTED');
  const record = Buffer.from(text.slice(PREFIX.length), 'base64url');
  // Node skips characters outside the alphabet; a record has exactly one text form.
  if (recordToText(record) !== text) throw new RecordError('NOT_ENCRYPTED');
  return record;
}

/** What `key_id` holds for records under this data key. */
export function keyIdText(dataKeyId: Buffer): string {
  return Buffer.concat([Buffer.from([0]), dataKeyId])
    .toString('base64url')
    .slice(0, KEY_ID_LENGTH);
}

/** The same out of a record's text. */
export function keyIdIn(text: string): string {
  return text.slice(KEY_ID_POSITION - 1, KEY_ID_POSITION - 1 + KEY_ID_LENGTH);
}

/** 16 bytes of a UUID in its text form. */
export function uuidToBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

export function uuidFromBytes(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
