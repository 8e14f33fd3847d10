import { TokenError, TokenInputError } from '../common/errors.js';
import type { ResolvedTokenRef } from '../common/tokens.js';
import { DpopKey } from '../crypto/dpop-key.js';
import { parseTokenResponse, type ReceivedTokens } from '../oauth/token-response.js';
import type { OpenedTokens } from '../store/token-store.js';
import { resolveTokenRef } from '../token-ref.js';
import type { ImportedTokens, OpenStored, ResolvedDefinition, SourceRow } from './definition.js';
import { rowFault } from './row-failure.js';

/** A row in the clear, checked as `storeTokens` would. */
export interface DecodedRow {
  ref: ResolvedTokenRef;
  tokens: ReceivedTokens & Pick<OpenedTokens, 'dpopKey'>;
  expiresAt: unknown;
}

const FIELDS = [
  'ref',
  'accessToken',
  'refreshToken',
  'idToken',
  'expiresAt',
  'scope',
  'tokenType',
  'dpopKey',
];
const REF_FIELDS = ['userId', 'provider', 'tenantId', 'account'];
/** As in the options of the module; the column is no longer. */
const PROVIDER = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** Null for a row that `map` skips. @throws TokenError, none of which holds a value; whatever else `map` throws */
export async function decodeRow(definition: ResolvedDefinition, row: SourceRow): Promise<DecodedRow | null> {
  const mapped = await definition.map(row, opening(definition));
  if (mapped === null) return null;
  if (typeof mapped !== 'object')
    throw new TokenInputError(
      'map',
      `must return { ref, accessToken, … } or null, it returned ${typeof mapped}`,
    );
  // A field with a wrong name would be a token that is lost.
  assertFields('map', mapped, FIELDS);
  assertFields('map.ref', mapped.ref, REF_FIELDS);
  const ref = resolveTokenRef(mapped.ref);
  assertProvider(ref.provider, definition.providers);
  const tokens = { ...parseTokenResponse(wireOf(mapped)), dpopKey: dpopKeyOf(mapped) };
  return { ref, tokens, expiresAt: mapped.expiresAt };
}

function opening({ cipher }: ResolvedDefinition): OpenStored {
  return (stored) => {
    if (stored === null || stored === undefined || stored === '') return null;
    try {
      return cipher.decrypt(stored);
    } catch (error) {
      if (error instanceof TokenError) throw error;
      const { reason, detail } = rowFault(error, 'CIPHER_FAILED');
      throw new TokenError(reason, detail);
    }
  };
}

function assertFields(where: string, value: unknown, known: readonly string[]): void {
  for (const name of Object.keys(value ?? {}))
    if (!known.includes(name))
      throw new TokenInputError(`${where}.${name}`, `is not a field; known: ${known.join(', ')}`);
}

function assertProvider(provider: string, known: readonly string[] | undefined): void {
  if (known ? known.includes(provider) : PROVIDER.test(provider)) return;
  const expected = known
    ? `must be one of ${known.join(', ')}`
    : 'must be a name from TokenModuleOptions.providers';
  throw new TokenInputError('provider', expected, 'TOKEN_REF_INVALID');
}

function dpopKeyOf({ dpopKey }: ImportedTokens): string | null {
  if (dpopKey === undefined || dpopKey === null) return null;
  const key = DpopKey.read(dpopKey);
  if (typeof key === 'string') throw new TokenInputError('map.dpopKey', key, 'DPOP_KEY_INVALID');
  return key.text;
}

function wireOf({ accessToken, refreshToken, idToken, scope, tokenType }: ImportedTokens): object {
  return {
    access_token: accessToken,
    refresh_token: refreshToken,
    id_token: idToken,
    scope,
    token_type: tokenType,
  };
}
