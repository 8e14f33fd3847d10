import { createDecipheriv } from 'node:crypto';
import { gcmOpen, TAG_BYTES } from '../aes-gcm.js';
import { LegacyCipherError, type LegacyCipher } from './legacy-cipher.js';
import { assertSecret, keyBytes, wrongKey } from './legacy-key.js';
import { clearText, decode, storedText } from './stored-form.js';

const ALGORITHM = /^aes-(128|192|256)-(cbc|gcm)$/;
const NONE = Buffer.alloc(0);

/** The options of that package as they stand in your entity. */
export interface TypeormEncryptedOptions {
  /** Hex. */
  key: string;
  /** `aes-128`, `aes-192` or `aes-256`, with `-cbc` or `-gcm`. Default `aes-256-cbc`. */
  algorithm?: string;
  /** Bytes. Default 16. */
  ivLength?: number;
  /** Not needed, since a fixed iv stands in every value, too. */
  iv?: string;
}

/**
 * Reads base64 of `iv ‖ [tag ‖] ciphertext`, as the transformers and the subscriber of typeorm-encrypted write it, and the
 * `{ encrypted }` of its JSON transformer, which opens to JSON text. Format: src/crypto.ts and src/transformer.ts of
 * generalpiston/typeorm-encrypted 0.8.0. CBC is not authenticated: a wrong key shows by its padding, mostly.
 */
export function typeormEncrypted(options: TypeormEncryptedOptions): LegacyCipher {
  const { algorithm = 'aes-256-cbc', ivLength = 16 } = options;
  assertSecret('typeormEncrypted', 'key', options.key);
  const [, bits, mode] = ALGORITHM.exec(algorithm) ?? [];
  if (!bits) throw wrongKey('typeormEncrypted', 'algorithm: must be aes-128, -192 or -256 with -cbc or -gcm');
  if (!Number.isInteger(ivLength) || ivLength < 1 || ivLength > 64 || (mode === 'cbc' && ivLength !== 16))
    throw wrongKey('typeormEncrypted', 'ivLength: must be 16 for cbc, 1 to 64 for gcm');
  const key = keyBytes('typeormEncrypted', options.key, ['hex'], Number(bits) / 8);
  const headBytes = ivLength + (mode === 'gcm' ? TAG_BYTES : 0);
  return {
    decrypt(stored) {
      const bytes = decode(storedText(valueOf(stored)), 'base64');
      if (bytes.length < headBytes) throw new LegacyCipherError('MALFORMED', 'is too short for its iv');
      const iv = bytes.subarray(0, ivLength);
      const ciphertext = bytes.subarray(headBytes);
      const opened =
        mode === 'gcm'
          ? gcmOpen(key, iv, NONE, bytes.subarray(ivLength, headBytes), ciphertext)
          : cbcOpen(algorithm, key, iv, ciphertext);
      if (!opened) throw new LegacyCipherError('AUTH_FAILED');
      return clearText(opened);
    },
  };
}

const valueOf = (stored: unknown): unknown =>
  typeof stored === 'object' && stored !== null && 'encrypted' in stored ? stored.encrypted : stored;

/** Null when the padding does not fit. */
function cbcOpen(algorithm: string, key: Buffer, iv: Buffer, ciphertext: Buffer): Buffer | null {
  const decipher = createDecipheriv(algorithm, key, iv);
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    return null;
  }
}
