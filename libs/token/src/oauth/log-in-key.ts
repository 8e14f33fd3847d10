import { TokenInputError } from '../common/errors.js';
import { DpopKey } from '../crypto/dpop-key.js';
import type { Provider } from './providers.js';

const FIELD = 'options.dpopKey';

/**
 * The key that a log-in has bound its tokens to (RFC 9449 §5), or null: refresh tokens of a confidential client are bound
 * by its authentication, so its next refresh may begin with a key of its own.
 * @throws TokenInputError where the tokens could not be used, or are not bound although they should be
 */
export function keyOfLogIn(provider: Provider, tokenType: string, given: unknown): DpopKey | null {
  const { dpop = false } = provider.options;
  if (given === undefined || given === null) {
    if (dpop && tokenType === 'DPoP')
      throw new TokenInputError(
        FIELD,
        'is needed: token_type is DPoP, so hand over the private key that the log-in has proven',
        'DPOP_KEY_MISSING',
      );
    if (dpop && provider.isPublic)
      throw new TokenInputError(
        FIELD,
        `is needed: "${provider.name}" is configured with dpop and without a client secret or key, so its refresh tokens are bound to the key of the log-in (RFC 9449 section 5)`,
        'DPOP_KEY_MISSING',
      );
    return null;
  }
  if (!dpop) throw new TokenInputError(FIELD, `is given, but providers.${provider.name}.dpop is not true`);
  const key = DpopKey.read(given);
  if (typeof key === 'string') throw new TokenInputError(FIELD, key, 'DPOP_KEY_INVALID');
  if (tokenType !== 'DPoP')
    throw new TokenInputError(
      'token_type',
      'must be DPoP: the provider has not bound the token to the key of the log-in (RFC 9449 section 5)',
      'DPOP_NOT_BOUND',
    );
  return key;
}
