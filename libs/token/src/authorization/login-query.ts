import { AuthorizationFault } from './faults.js';
import { lacking } from './scope.js';

/** What a link to a log-in may ask for. */
export interface LoginQuery {
  scope: string;
  /** Undefined where the link names none. */
  account: string | undefined;
  returnTo: string | undefined;
}

const MAX_CHARACTERS = 2048;
/** RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/;
const ACCOUNT = /^[\w.@+-]{1,64}$/;

/** @throws AuthorizationFault for anything that no page of the application has made */
export function readLoginQuery(query: unknown, allowedScope: string): LoginQuery {
  const { scope = '', account, returnTo } = (query ?? {}) as Record<string, unknown>;
  for (const value of [scope, account, returnTo])
    if (value !== undefined && (typeof value !== 'string' || value.length > MAX_CHARACTERS))
      throw new AuthorizationFault('bad_request', 'a parameter of the query');
  if (scope !== '' && (!SCOPE.test(scope as string) || lacking(scope as string, allowedScope).length > 0))
    throw new AuthorizationFault('bad_request', 'scope: not in furtherScope');
  if (account !== undefined && !ACCOUNT.test(account as string))
    throw new AuthorizationFault('bad_request', 'account');
  return {
    scope: scope as string,
    account: account as string | undefined,
    returnTo: returnTo as string | undefined,
  };
}
