import { hash } from 'node:crypto';
import { encodeContext } from './context.js';

/** SHA-256 in hex of the canonical form of `parts`: one fixed-size column that finds a row by several ids on every database. */
export function lookupHash(parts: readonly string[]): string {
  return hash('sha256', encodeContext(parts), 'hex');
}
