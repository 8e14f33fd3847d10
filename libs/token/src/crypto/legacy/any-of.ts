import { type LegacyCipher, LegacyCipherError } from './legacy-cipher.js';

/** Tries one after the other: for a store whose password was changed, or whose format was. The last one's error counts. */
export function anyOf(first: LegacyCipher, ...others: readonly LegacyCipher[]): LegacyCipher {
  return {
    decrypt(stored) {
      let failure: LegacyCipherError | null = null;
      for (const cipher of [first, ...others]) {
        try {
          return cipher.decrypt(stored);
        } catch (error) {
          if (!(error instanceof LegacyCipherError)) throw error;
          failure = error;
        }
      }
      throw failure!;
    },
  };
}
