import type { KeyObject } from 'node:crypto';
import { gcmOpen, gcmSeal, IV_BYTES, TAG_BYTES } from './aes-gcm.js';
import { randomBytes } from './random.js';

/** `FB 10 01 00 ‖ kekId(16) ‖ iv(12) ‖ tag(16) ‖ ciphertext(32)`; the first 20 bytes and the context are authenticated. */
const PREFIX = Buffer.from([0xfb, 0x10, 0x01, 0x00]);
const HEADER_BYTES = 20;
const IV_END = HEADER_BYTES + IV_BYTES;
const TAG_END = IV_END + TAG_BYTES;
const BLOB_BYTES = TAG_END + 32;

/** A key-encryption key. `id` is 16 bytes and public. */
export interface KeyEncryptionKey {
  readonly id: Buffer;
  readonly key: KeyObject;
}

export function wrapKey(kek: KeyEncryptionKey, context: Buffer, dataKey: Buffer): Buffer {
  const header = Buffer.concat([PREFIX, kek.id], HEADER_BYTES);
  const iv = randomBytes(IV_BYTES);
  const { tag, ciphertext } = gcmSeal(kek.key, iv, Buffer.concat([header, context]), dataKey);
  return Buffer.concat([header, iv, tag, ciphertext]);
}

/** The id of the key-encryption key that a blob names, or null where it is not a blob of this format. */
export function wrappingKeyId(blob: Buffer): Buffer | null {
  return blob.length === BLOB_BYTES && blob.subarray(0, 4).equals(PREFIX)
    ? blob.subarray(4, HEADER_BYTES)
    : null;
}

/** Null when the key-encryption key's bytes are not those that wrapped the blob, or the blob or its context was changed. */
export function unwrapKey(kek: KeyEncryptionKey, context: Buffer, blob: Buffer): Buffer | null {
  if (!wrappingKeyId(blob)?.equals(kek.id)) return null;
  const associatedData = Buffer.concat([blob.subarray(0, HEADER_BYTES), context]);
  return gcmOpen(
    kek.key,
    blob.subarray(HEADER_BYTES, IV_END),
    associatedData,
    blob.subarray(IV_END, TAG_END),
    blob.subarray(TAG_END),
  );
}
