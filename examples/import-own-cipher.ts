import { createDecipheriv } from 'node:crypto';
import { type LegacyCipher, LegacyCipherError } from '@tokenward/nestjs/import';

const FORM = /^([0-9a-f]{24}):([0-9a-f]{32}):([0-9a-f]+)$/;

/** Reads `iv:tag:ciphertext` in hex. */
export function colonSeparated(key: Buffer): LegacyCipher {
  return {
    decrypt(stored) {
      const [, iv, tag, ciphertext] = FORM.exec(String(stored)) ?? [];
      if (!iv || !tag || !ciphertext) throw new LegacyCipherError('MALFORMED', 'is not iv:tag:ciphertext');
      const options = { authTagLength: 16 };
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'hex'), options);
      decipher.setAuthTag(Buffer.from(tag, 'hex'));
      const text = decipher.update(ciphertext, 'hex', 'utf8');
      try {
        return text + decipher.final('utf8');
      } catch {
        throw new LegacyCipherError('AUTH_FAILED');
      }
    },
  };
}
