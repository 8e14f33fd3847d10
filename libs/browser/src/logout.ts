import type { Backend } from './backend.js';
import type { Session } from './session.js';
import type { Tabs } from './tabs.js';

export interface LoggedOut {
  /** Where the provider ends its own session (OpenID Connect RP-Initiated Logout 1.0); null when there is no such place. */
  endSessionUrl: string | null;
}

/** Ends the session at the backend, and then in all tabs. */
export async function logOut(backend: Backend, session: Session, tabs: Tabs): Promise<LoggedOut> {
  let answer: Record<string, unknown> = {};
  // They may hear of the end from the backend before this tab has its answer.
  tabs.tell('leaving');
  try {
    // A page that is left right after the click is logged out all the same.
    answer = await backend.ask('POST', 'auth/logout', { keepalive: true });
  } catch (error) {
    // It may be over all the same: before, or by a request whose answer got lost.
    if (await session.current().catch(() => true)) {
      tabs.tell('staying');
      throw error;
    }
  }
  session.end({ reason: 'logout' });
  return { endSessionUrl: webAddress(answer['endSessionUrl']) };
}

/** The page will go there: nothing but http and https, which rules out `javascript:`. */
const webAddress = (address: unknown): string | null =>
  typeof address === 'string' && /^https?:\/\//i.test(address) ? address : null;
