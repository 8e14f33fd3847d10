import { createTokenClient } from '@tokenward/browser';

/** The page calls Google itself, with an access token that it gets from the backend and keeps in memory. */
export const google = createTokenClient({
  baseUrl: '/',
  mode: 'mediated',
  provider: 'google',
  apiOrigins: ['https://www.googleapis.com'],
});

export async function calendars(signal: AbortSignal): Promise<unknown> {
  const answer = await google.fetch('https://www.googleapis.com/calendar/v3/users/me/calendarList', {
    signal,
  });
  if (!answer.ok) throw new Error(`The calendars could not be read (${answer.status}).`);
  return answer.json();
}
