import { TokenClientError } from '@tokenward/browser';
import { client } from './client.js';

/** A page without a framework: `show` puts a text into it, `goTo` is `location.assign`. */
export async function startPage(
  show: (text: string) => void,
  goTo: (address: string) => void,
): Promise<void> {
  client.onSessionEnd(({ reason }) => {
    show(reason === 'logout' ? 'You have logged out.' : 'Please log in again.');
  });
  try {
    const session = await client.getSession();
    if (!session) return goTo('/auth/login/google');
    const answer = await client.fetch('/api/google/calendar/v3/users/me/calendarList');
    show(answer.ok ? await answer.text() : `The calendars could not be read (${answer.status}).`);
  } catch (error) {
    // Whatever the reason: the session is untouched, and the user need not log in again.
    if (!(error instanceof TokenClientError)) throw error;
    show(`Please try again${error.retryAfterSeconds ? ` in ${error.retryAfterSeconds} s` : ''}.`);
  }
}

export async function logOut(goTo: (address: string) => void): Promise<void> {
  const { endSessionUrl } = await client.logout();
  goTo(endSessionUrl ?? '/');
}
