import { KeyUnavailableError } from '../common/errors.js';

/** The key was retired between the read of a row and its opening: what was read is out of date. */
export const isOutdated = (error: unknown): boolean =>
  error instanceof KeyUnavailableError && error.reason === 'KEY_RETIRED';

/**
 * Reads a row and opens it. Between the two its key may have been retired; by then the row is under another one, so it is
 * read once more.
 */
export async function openCurrent<Row, T>(
  read: () => Promise<Row>,
  open: (row: Row) => Promise<T>,
): Promise<T> {
  try {
    return await open(await read());
  } catch (error) {
    if (!isOutdated(error)) throw error;
    return open(await read());
  }
}
