import { TokenInputError } from './common/errors.js';
import type { ResolvedTokenRef, TokenRef } from './common/tokens.js';

const MAX_CHARACTERS = 255;
const DEFAULT = 'default';
/** What nearly every id looks like: visible ASCII. Needs no further look. */
const PLAIN = /^[!-~]{1,255}$/;

/** What all supported databases store and compare alike: no control characters, no lone surrogates, no blanks at the ends. */
export function assertId(field: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && PLAIN.test(value)) return;
  const fault = (expected: string): TokenInputError =>
    new TokenInputError(field, expected, 'TOKEN_REF_INVALID');
  if (typeof value !== 'string')
    throw fault(`must be a string, it is ${value === null ? 'null' : typeof value}`);
  if (value === '') throw fault('must not be empty');
  if (value.length > MAX_CHARACTERS)
    throw fault(`must have at most ${MAX_CHARACTERS} characters, it has ${value.length}`);
  if (!value.isWellFormed()) throw fault('must be well-formed Unicode');
  if (/\p{Cc}/u.test(value)) throw fault('must not hold control characters');
  if (value !== value.trim()) throw fault('must not begin or end with white space');
}

/** Checks a `TokenRef` and fills in its defaults. @throws TokenInputError */
export function resolveTokenRef(ref: TokenRef): ResolvedTokenRef {
  if (typeof ref !== 'object' || ref === null)
    throw new TokenInputError('ref', 'must be an object { userId, provider }', 'TOKEN_REF_INVALID');
  const resolved = {
    userId: ref.userId,
    provider: ref.provider,
    tenantId: ref.tenantId ?? DEFAULT,
    account: ref.account ?? DEFAULT,
  };
  for (const [field, value] of Object.entries(resolved)) assertId(field, value);
  return resolved;
}
