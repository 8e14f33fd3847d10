import { createCipheriv, createDecipheriv, type CipherGCMTypes, KeyObject } from 'node:crypto';

/** AES-GCM as in NIST SP 800-38D, with a 96-bit IV and always a full 128-bit tag. */
export const TAG_BYTES = 16;
export const IV_BYTES = 12;

/** Raw bytes are for keys that are derived for one record and erased at once. */
type AesKey = KeyObject | Buffer;

const CIPHERS: Record<number, CipherGCMTypes> = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' };

function cipherOf(key: AesKey): CipherGCMTypes {
  const cipher = CIPHERS[(key instanceof KeyObject ? key.symmetricKeySize : key.length) ?? 0];
  if (!cipher) throw new TypeError('AES key must be 16, 24 or 32 bytes');
  return cipher;
}

export function gcmSeal(
  key: AesKey,
  iv: Buffer,
  associatedData: Buffer,
  plaintext: Buffer,
): { tag: Buffer; ciphertext: Buffer } {
  const cipher = createCipheriv(cipherOf(key), key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return { tag: cipher.getAuthTag(), ciphertext };
}

/** Null when the tag does not fit. */
export function gcmOpen(
  key: AesKey,
  iv: Buffer,
  associatedData: Buffer,
  tag: Buffer,
  ciphertext: Buffer,
): Buffer | null {
  // Without authTagLength Node would accept tags of 4 bytes.
  const decipher = createDecipheriv(cipherOf(key), key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(tag);
  const plaintext = decipher.update(ciphertext);
  try {
    decipher.final();
    return plaintext;
  } catch {
    // update() has already released what is now known to be forged.
    plaintext.fill(0);
    return null;
  }
}
