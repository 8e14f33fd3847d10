import { createHash } from 'node:crypto';
import { gcmOpen, IV_BYTES, TAG_BYTES } from '../aes-gcm.js';
import { LegacyCipherError, type LegacyCipher } from './legacy-cipher.js';
import { assertSecret, wrongKey } from './legacy-key.js';
import { clearText, storedTriple } from './stored-form.js';

const KEY_BYTES = { 'aes-128-gcm': 16, 'aes-192-gcm': 24, 'aes-256-gcm': 32 } as const;
const NONE = Buffer.alloc(0);

export interface TutorialTokenManagerOptions {
  /** What was given to `crypto.createCipher`; Node took a string as UTF-8. */
  password: string | Buffer;
  /** Default `aes-256-gcm`. */
  algorithm?: keyof typeof KEY_BYTES;
}

/**
 * Reads `{ encrypted, iv, authTag }` in hex, made by `crypto.createCipher(algorithm, password)` of Node 21 and before.
 * That function took key and iv from the password alone, so the iv that such stores keep beside was never used.
 */
export function tutorialTokenManager(options: TutorialTokenManagerOptions): LegacyCipher {
  const { password, algorithm = 'aes-256-gcm' } = options;
  assertSecret('tutorialTokenManager', 'password', password);
  if (!Object.hasOwn(KEY_BYTES, algorithm))
    throw wrongKey('tutorialTokenManager', `algorithm: must be one of ${Object.keys(KEY_BYTES).join(', ')}`);
  const { key, iv } = bytesToKey(Buffer.from(password as string), KEY_BYTES[algorithm]);
  return {
    decrypt(stored) {
      const { encrypted, authTag } = storedTriple(stored, 'hex');
      if (authTag.length !== TAG_BYTES)
        throw new LegacyCipherError('MALFORMED', `authTag must be ${TAG_BYTES} bytes`);
      const opened = gcmOpen(key, iv, NONE, authTag, encrypted);
      if (!opened) throw new LegacyCipherError('AUTH_FAILED');
      return clearText(opened);
    },
  };
}

/** OpenSSL's `EVP_BytesToKey` with MD5, no salt and one iteration: what `createCipher` did (Node.js documentation of v21). */
function bytesToKey(password: Buffer, keyBytes: number): { key: Buffer; iv: Buffer } {
  const blocks: Buffer[] = [];
  for (let length = 0, last = NONE; length < keyBytes + IV_BYTES; length += last.length) {
    last = createHash('md5').update(last).update(password).digest();
    blocks.push(last);
  }
  const bytes = Buffer.concat(blocks);
  return { key: bytes.subarray(0, keyBytes), iv: bytes.subarray(keyBytes, keyBytes + IV_BYTES) };
}
