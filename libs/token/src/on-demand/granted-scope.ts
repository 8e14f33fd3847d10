import { ScopeNotGrantedError } from '../common/errors.js';
import type { IssuedAccessToken } from '../common/tokens.js';

/** Microsoft's placeholder for "whatever is registered": no answer ever names it. */
const PLACEHOLDER = /(?:^|\/)\.default$/;

/** A token that the provider has issued for less than was asked is not handed out. @throws ScopeNotGrantedError */
export function assertGranted(
  provider: string,
  token: IssuedAccessToken,
  asked: readonly string[],
): IssuedAccessToken {
  const have = new Set(token.scope?.split(' '));
  const missing = asked.filter((value) => !have.has(value) && !PLACEHOLDER.test(value));
  if (missing.length > 0)
    throw new ScopeNotGrantedError(provider, missing, 'Allow it to this client at the provider.');
  return token;
}
