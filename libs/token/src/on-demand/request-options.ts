import { TokenInputError } from '../common/errors.js';
import { IssuedAccessToken } from '../common/tokens.js';
import { REQUESTED_TYPES, type RequestedTokenType } from '../oauth/token-exchange.js';
import type { TokenTarget } from '../oauth/token-request.js';

interface TokenRequestOptions {
  /** Scope values to ask for, separated by spaces; their order does not matter. Default: what the provider chooses. */
  scope?: string;
  /** Where the token is to be used: absolute URIs without a fragment (RFC 8707 §2), at most 20. */
  resource?: string | readonly string[];
  /** The same as a logical name that the provider knows, such as the client id of an API; at most 20. */
  audience?: string | readonly string[];
  /** The token must stay valid for at least this long; counts up to half of its lifetime. 0 to 86400. Default 5. */
  minTtlSeconds?: number;
  /** `true`: another token than the one in memory. A token that an API has refused: another one than that. */
  forceRefresh?: boolean | IssuedAccessToken;
  /** Ends the waiting, not the request. */
  signal?: AbortSignal;
}

export interface ClientTokenOptions extends TokenRequestOptions {
  /** Tenants never share a token. Default: `default`. */
  tenantId?: string;
}

export interface ExchangeTokenOptions extends TokenRequestOptions {
  /** By the names of RFC 8693 §3. Default: `access_token`. */
  requestedTokenType?: 'access_token' | 'jwt';
}

const MAX_CHARACTERS = 2048;
const MAX_VALUES = 20;
/** RFC 6749 §3.3. */
const SCOPE_VALUE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
/** Visible ASCII behind a scheme; `URL` alone would mend white space and line ends. */
const ABSOLUTE_URI = /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i;

const FIELDS = ['scope', 'resource', 'audience', 'minTtlSeconds', 'forceRefresh', 'signal'];
export const CLIENT_FIELDS = [...FIELDS, 'tenantId'];
export const EXCHANGE_FIELDS = [...FIELDS, 'requestedTokenType'];

/** Refuses what is no option: a misspelt one would quietly ask for another token. @throws TokenInputError */
export function assertOptions(options: unknown, fields: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new TokenInputError('options', 'must be an object, such as { scope: "read" }');
  const unknown = Object.keys(options).find((field) => !fields.includes(field));
  if (unknown !== undefined)
    throw new TokenInputError(
      `options.${unknown.slice(0, 64)}`,
      `is not an option; known: ${fields.join(', ')}`,
    );
  const { forceRefresh, signal } = options as TokenRequestOptions;
  if (
    forceRefresh !== undefined &&
    typeof forceRefresh !== 'boolean' &&
    !(forceRefresh instanceof IssuedAccessToken)
  )
    throw new TokenInputError('forceRefresh', 'must be a boolean, or the token that was refused');
  if (signal !== undefined && typeof signal?.addEventListener !== 'function')
    throw new TokenInputError('signal', 'must be an AbortSignal');
}

const sorted = (values: readonly string[]): string[] => [...new Set(values)].toSorted();

function scopesOf(scope: unknown): string[] {
  if (scope === undefined) return [];
  const values = typeof scope === 'string' ? scope.split(' ').filter((value) => value !== '') : [];
  if (
    values.length === 0 ||
    (scope as string).length > MAX_CHARACTERS ||
    !values.every((value) => SCOPE_VALUE.test(value))
  )
    throw new TokenInputError(
      'scope',
      `must be a string of scope values separated by spaces (RFC 6749 section 3.3), at most ${MAX_CHARACTERS} characters`,
    );
  return sorted(values);
}

function listOf(
  field: string,
  value: unknown,
  isValid: (entry: string) => boolean,
  expected: string,
): string[] {
  if (value === undefined) return [];
  const values: unknown[] = Array.isArray(value) ? value : [value];
  if (values.length === 0 || values.length > MAX_VALUES)
    throw new TokenInputError(field, `must be one value, or a list of 1 to ${MAX_VALUES}`);
  for (const entry of values) {
    if (typeof entry !== 'string' || entry === '' || entry.length > MAX_CHARACTERS || !isValid(entry))
      throw new TokenInputError(field, `${expected}, at most ${MAX_CHARACTERS} characters`);
  }
  return sorted(values as string[]);
}

/** @throws TokenInputError naming the field; the value is never repeated */
export function targetOf({ scope, resource, audience }: TokenRequestOptions): TokenTarget {
  return {
    scopes: scopesOf(scope),
    resources: listOf(
      'resource',
      resource,
      (entry) => ABSOLUTE_URI.test(entry) && URL.canParse(entry) && !entry.includes('#'),
      'must be an absolute URI without a fragment (RFC 8707 section 2)',
    ),
    audiences: listOf(
      'audience',
      audience,
      (entry) => entry.isWellFormed() && !/\p{Cc}/u.test(entry) && entry === entry.trim(),
      'must be a name without control characters or white space at its ends',
    ),
  };
}

/** @throws TokenInputError */
export function requestedTypeOf(value: unknown): RequestedTokenType {
  if (value === undefined) return 'access_token';
  if (typeof value !== 'string' || !Object.hasOwn(REQUESTED_TYPES, value))
    throw new TokenInputError(
      'requestedTokenType',
      `must be one of ${Object.keys(REQUESTED_TYPES).join(', ')}`,
    );
  return value as RequestedTokenType;
}
