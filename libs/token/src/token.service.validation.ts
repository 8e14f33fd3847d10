import { ScopeNotGrantedError, TokenInputError } from './common/errors.js';
import { assertId } from './token-ref.js';

const DEFAULT_MIN_TTL_SECONDS = 5;
const OWNER_FIELDS = ['userId', 'tenantId', 'provider'];
export const STORE_FIELDS = ['dpopKey'];
export const REVOCATION_FIELDS = [...OWNER_FIELDS, 'sessionId'];
export const FILTER_FIELDS = [...OWNER_FIELDS, 'account', 'status'];

/** @throws TokenInputError */
export function minTtl(seconds: number | undefined): number {
  if (seconds === undefined) return DEFAULT_MIN_TTL_SECONDS;
  if (typeof seconds !== 'number' || !(seconds >= 0 && seconds <= 86_400))
    throw new TokenInputError('minTtlSeconds', 'must be a number from 0 to 86400');
  return seconds;
}

/** @throws ScopeNotGrantedError */
export function assertScope(provider: string, granted: string | null, asked: string | undefined): void {
  const have = new Set(granted?.split(' ') ?? []);
  const missing = (asked ?? '').split(/\s+/).filter((value) => value !== '' && !have.has(value));
  if (missing.length > 0) throw new ScopeNotGrantedError(provider, missing);
}

/** @throws TokenInputError for a filter without any field, or with one that would be passed over */
export function assertFilter(filter: object, known: readonly string[]): void {
  const fields = Object.entries(filter ?? {}).filter(([, value]) => value !== undefined);
  if (fields.length === 0)
    throw new TokenInputError('filter', `must name at least one of ${known.join(', ')}`);
  for (const [field, value] of fields) {
    if (!known.includes(field))
      throw new TokenInputError(`filter.${field}`, `is not a field; known: ${known.join(', ')}`);
    assertId(`filter.${field}`, value);
  }
}
