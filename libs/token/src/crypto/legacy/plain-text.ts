import { LegacyCipherError, type LegacyCipher } from './legacy-cipher.js';
import { clearText } from './stored-form.js';

/** For columns that were never encrypted. */
export function plainText(): LegacyCipher {
  return {
    decrypt(stored) {
      if (typeof stored === 'string') return stored;
      if (Buffer.isBuffer(stored)) return clearText(stored);
      throw new LegacyCipherError('MALFORMED', `must be text, it is ${typeof stored}`);
    },
  };
}
