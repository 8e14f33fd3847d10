import { TokenError } from '../common/errors.js';

export type ImportFault =
  | 'NOTHING_OPENS'
  | 'SOURCE_UNREADABLE'
  | 'KEY_COLUMN_UNSUITABLE'
  | 'CHECKPOINT_INVALID'
  | 'KEYS_UNUSABLE'
  | 'TARGET_UNAVAILABLE';

/** The import has stopped; what it had stored by then is stored, and the next run goes on. Never holds a value of the table. */
export class ImportError extends TokenError {
  constructor(
    override readonly code: ImportFault,
    message: string,
  ) {
    super(code, message);
  }
}
