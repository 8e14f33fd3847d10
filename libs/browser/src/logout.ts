import type { Backend } from './backend.js';
import type { Session } from './session.js';
import { TokenClientError } from './token-client.error.js';

export interface LoggedOut {
  /** Where the provider ends its own session (OpenID Connect RP-Initiated Logout 1.0); null when there is no such place. */
  endSessionUrl: string | null;
}

/** Ends the session at the backend, and then in all tabs. */
export async function logOut(backend: Backend, session: Session): Promise<LoggedOut> {
  try {
    // A page that is left right after the click is logged out all the same.
    const { endSessionUrl } = await backend.ask('POST', 'auth/logout', { keepalive: true });
    session.end({ reason: 'logout' });
    return { endSessionUrl: webAddress(endSessionUrl) };
  } catch (error) {
    if (!(error instanceof TokenClientError && error.code === 'SESSION_ENDED')) throw error;
    session.end({ reason: 'logout' });
    return { endSessionUrl: null };
  }
}

/** The page will go there: nothing but http and https, which rules out `javascript:`. */
const webAddress = (address: unknown): string | null =>
  typeof address === 'string' && /^https?:\/\//i.test(address) ? address : null;
