import { TokenError } from '../../common/errors.js';

/** `NOT_TEXT`: it opened, but not to UTF-8, which an unauthenticated cipher does under a wrong key now and then. */
export type LegacyFault = 'MALFORMED' | 'AUTH_FAILED' | 'NOT_TEXT' | 'KEY_UNKNOWN';

const MEANING: Record<LegacyFault, string> = {
  MALFORMED: 'it does not have the form that this cipher writes',
  AUTH_FAILED: 'the password or key is not the one that sealed it, or it was changed',
  NOT_TEXT: 'it opens to bytes that are not text, as under a wrong key',
  KEY_UNKNOWN: 'it names a key that was not given',
};

/** Why a stored value does not open. `expected` says which part is wrong; it must never repeat a part of the value. */
export class LegacyCipherError extends TokenError {
  constructor(
    readonly reason: LegacyFault,
    expected: string = MEANING[reason],
  ) {
    super(`LEGACY_${reason}`, expected);
  }
}

/** Port: opens what a hand-written token store has written. Write your own where none of the readers fits. */
export interface LegacyCipher {
  /** The clear text of one stored token. @throws LegacyCipherError; whatever else is thrown is reported without its message */
  decrypt(stored: unknown): string;
}
