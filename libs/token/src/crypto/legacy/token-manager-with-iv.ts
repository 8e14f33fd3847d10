import { scryptSync } from 'node:crypto';
import { KEY_BYTES } from '../key-material.js';
import { gcmOpen, TAG_BYTES } from '../aes-gcm.js';
import { LegacyCipherError, type LegacyCipher } from './legacy-cipher.js';
import { assertSecret, keyBytes } from './legacy-key.js';
import { clearText, storedTriple } from './stored-form.js';

const NONE = Buffer.alloc(0);

export interface TokenManagerWithIvOptions {
  /** 32 bytes, as hex, as base64 or as a Buffer. */
  key?: string | Buffer;
  /** Instead of a key: it is made of this by `scryptSync(password, salt, 32)`. */
  password?: string | Buffer;
  /** Default `salt`, as in most tutorials. */
  salt?: string | Buffer;
  /** How the three parts are written. Default `hex`. */
  encoding?: 'hex' | 'base64';
}

/** Reads `{ encrypted, iv, authTag }` made by `crypto.createCipheriv('aes-256-gcm', key, iv)`; the stored iv, mostly 16 bytes, is used. */
export function tokenManagerWithIv(options: TokenManagerWithIvOptions): LegacyCipher {
  const { encoding = 'hex' } = options;
  const key = keyOf(options);
  return {
    decrypt(stored) {
      const { encrypted, iv, authTag } = storedTriple(stored, encoding);
      if (authTag.length !== TAG_BYTES)
        throw new LegacyCipherError('MALFORMED', `authTag must be ${TAG_BYTES} bytes`);
      if (iv.length === 0) throw new LegacyCipherError('MALFORMED', 'iv must not be empty');
      const opened = gcmOpen(key, iv, NONE, authTag, encrypted);
      if (!opened) throw new LegacyCipherError('AUTH_FAILED');
      return clearText(opened);
    },
  };
}

function keyOf({ key, password, salt = 'salt' }: TokenManagerWithIvOptions): Buffer {
  if (password === undefined) return keyBytes('tokenManagerWithIv', key, ['hex', 'base64']);
  assertSecret('tokenManagerWithIv', 'password', password);
  return scryptSync(password, salt, KEY_BYTES);
}
