import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';
import { gcmOpen, gcmSeal } from './aes-gcm.js';
import { randomBytes } from './random.js';

/** Record format TM1; docs/encryption.md has the byte table. */
const MAGIC = 0xfb;
const VERSION = 0x01;
const SUITE = 0x01; // HKDF-Expand-SHA-512 (RFC 5869) + AES-256-GCM
const HEADER_BYTES = 44;
const COMMITMENT_END = 76;
const RECORD_BYTES = 92;
const INFO = Buffer.from('TM1 record key\0', 'latin1');
const ONE = Buffer.from([0x01]);

/** A data key: seals and opens records. `id` is the 16 bytes that every record under it carries. */
export interface DataKey {
  readonly id: Buffer;
  readonly key: KeyObject;
}

export type RecordFault = (typeof RECORD_FAULTS)[number];
export const RECORD_FAULTS = [
  'EMPTY',
  'TRUNCATED',
  'NOT_ENCRYPTED',
  'UNSUPPORTED_VERSION',
  'UNSUPPORTED_SUITE',
  'RESERVED_FLAGS',
  'KEY_MISMATCH',
  'AUTH_FAILED',
] as const;

export class RecordError extends Error {
  constructor(readonly reason: RecordFault) {
    super(`record refused: ${reason}`);
  }
}

/** One block of HKDF-Expand: 32 bytes record key and 32 bytes commitment to the data key. The caller erases it. */
function derive(dataKey: DataKey, header: Buffer): { okm: Buffer; recordKey: Buffer; commitment: Buffer } {
  const okm = createHmac('sha512', dataKey.key)
    .update(Buffer.concat([INFO, header, ONE]))
    .digest();
  return { okm, recordKey: okm.subarray(0, 32), commitment: okm.subarray(32) };
}

/** Seals `plaintext`, bound to `context` (see `encodeContext`). */
export function sealRecord(
  dataKey: DataKey,
  context: Buffer,
  plaintext: Buffer,
  nonce = randomBytes(24),
): Buffer {
  const header = Buffer.concat([Buffer.from([MAGIC, VERSION, SUITE, 0]), dataKey.id, nonce], HEADER_BYTES);
  const { okm, recordKey, commitment } = derive(dataKey, header);
  const associatedData = Buffer.concat([header, commitment, context]);
  const { tag, ciphertext } = gcmSeal(recordKey, nonce.subarray(12), associatedData, plaintext);
  const record = Buffer.concat([header, commitment, tag, ciphertext]);
  okm.fill(0);
  return record;
}

/** Refuses what is not a TM1 record; otherwise the id of the data key that opens it. */
export function recordKeyId(record: Buffer): Buffer {
  if (record.length === 0) throw new RecordError('EMPTY');
  if (record[0] !== MAGIC) throw new RecordError('NOT_ENCRYPTED');
  if (record.length > 1 && record[1] !== VERSION) throw new RecordError('UNSUPPORTED_VERSION');
  if (record.length < RECORD_BYTES) throw new RecordError('TRUNCATED');
  if (record[2] !== SUITE) throw new RecordError('UNSUPPORTED_SUITE');
  if (record[3] !== 0) throw new RecordError('RESERVED_FLAGS');
  return record.subarray(4, 20);
}

/**
 * Opens a record with the data key that its header names.
 * @throws RecordError `KEY_MISMATCH` when the key's bytes are not those that sealed it (wrong key loaded),
 * `AUTH_FAILED` when the record was changed or moved to another context.
 */
export function openRecord(dataKey: DataKey, context: Buffer, record: Buffer): Buffer {
  if (!recordKeyId(record).equals(dataKey.id)) throw new RecordError('KEY_MISMATCH');
  const header = record.subarray(0, HEADER_BYTES);
  const { okm, recordKey, commitment } = derive(dataKey, header);
  try {
    if (!timingSafeEqual(commitment, record.subarray(HEADER_BYTES, COMMITMENT_END)))
      throw new RecordError('KEY_MISMATCH');
    const associatedData = Buffer.concat([record.subarray(0, COMMITMENT_END), context]);
    const tag = record.subarray(COMMITMENT_END, RECORD_BYTES);
    const plaintext = gcmOpen(
      recordKey,
      header.subarray(32),
      associatedData,
      tag,
      record.subarray(RECORD_BYTES),
    );
    if (!plaintext) throw new RecordError('AUTH_FAILED');
    return plaintext;
  } finally {
    okm.fill(0);
  }
}
