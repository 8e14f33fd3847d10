import type { ResolvedTokenRef } from '../common/tokens.js';
import { lookupOf } from '../database/row-mapping.js';

/** Of a SHA-256: enough for any number of rows, and little enough to remember for millions. */
const BYTES = 16;
/** One `Set` holds 2^24 values at most. */
const SETS = 256;

/** The users for whom the source has had a row. */
export class SourceRefs {
  readonly #sets = Array.from({ length: SETS }, () => new Set<string>());

  /** False if there was one before. */
  add(ref: ResolvedTokenRef): boolean {
    // Made of bytes: a part of the hash's text would keep all of it in memory.
    const digest = Buffer.from(lookupOf(ref), 'hex').toString('latin1', 0, BYTES);
    const set = this.#sets[digest.charCodeAt(0)]!;
    return set.size < set.add(digest).size;
  }
}
