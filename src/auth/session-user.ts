import type { Login } from './code-exchange.js';
import { LoginFault } from './login.fault.js';

/** Who is logged in: at which provider they proved who they are, and the id under which their tokens are stored. */
export interface SessionUser {
  id: string;
  name: string;
  provider: string;
}

/**
 * The first provider that a browser logs in with says who the user is. Logging in with another one while logged in
 * connects that one to the same user.
 */
export function userAfter(
  known: SessionUser | undefined,
  provider: string,
  identity: Login['identity'],
): SessionUser {
  if (known && known.provider !== provider) return known;
  if (!identity) throw new LoginFault('anonymous');
  return { id: `${provider}:${identity.sub}`, name: identity.name, provider };
}
