import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';

export const KEY_BYTES = 32;
const CHECK_VALUE_INFO = Buffer.from('TM1 kcv\0', 'latin1');

/** Moves raw key bytes into a `KeyObject`, which never prints, and erases them. */
export function toKeyObject(bytes: Buffer): KeyObject {
  if (bytes.length !== KEY_BYTES) throw new TypeError(`key must be ${KEY_BYTES} bytes`);
  const key = createSecretKey(bytes);
  bytes.fill(0);
  return key;
}

/** Public proof of which key bytes belong to a data key id; compared after every unwrap. */
export function keyCheckValue(dataKey: KeyObject, dataKeyId: Buffer): Buffer {
  return createHmac('sha256', dataKey).update(CHECK_VALUE_INFO).update(dataKeyId).digest();
}

export function equalInConstantTime(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
