/* What a person should know about the state of a connection, and how worried to be. */
import { serverNow, timeOfDay } from './words.js';

/** By outcome of the last refresh: the state in a few words, and what has happened. */
const failures = {
  throttled: ['Provider asks to wait', 'The provider has too much to do and asks for patience.'],
  client_rejected: [
    'Provider refuses the app',
    'The provider refuses this application, not you: whoever runs it has to look into that.',
  ],
  response_invalid: ['Provider answers wrongly', 'The provider’s last answer could not be used.'],
};
const away = ['Provider does not answer', 'The provider does not answer.'];

const when = (retryAt, now) =>
  retryAt !== null && Date.parse(retryAt) > now ? `at ${timeOfDay(Date.parse(retryAt))}` : 'any moment';

function failing({ lastFailure, retryAt }, expired, now) {
  const [word, happened] = failures[lastFailure] ?? away;
  const meanwhile = expired
    ? 'The token has run out, so calls fail until there is a new one. Nothing is lost.'
    : 'The token in hand is still good, so calls go on as before.';
  const notice = `${happened} ${meanwhile} Tokenward will try again ${when(retryAt, now)}.`;
  return { mood: 'waiting', word, notice };
}

export function describe(connection, now = serverNow()) {
  const { status, lastFailure, expiresAt, hasRefreshToken } = connection;
  const expired = expiresAt !== null && Date.parse(expiresAt) <= now;
  if (status === 'reauthorization_required') {
    const notice = 'The provider no longer accepts this connection. Log in again, and everything goes on.';
    return { mood: 'dead', word: 'Log-in needed', notice };
  }
  if (lastFailure !== null) return failing(connection, expired, now);
  if (!expired) return { mood: '', word: 'Active', notice: null };
  if (hasRefreshToken) return { mood: 'waiting', word: 'Expired, refresh due', notice: null };
  const notice = 'The provider gave nothing to refresh with, so only a new log-in helps.';
  return { mood: 'dead', word: 'Expired', notice };
}
