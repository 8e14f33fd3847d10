/* Refusals in a person's words: what has happened, and how to go on. */
import { Problem } from './app.js';
import { serverNow, timeOfDay } from './words.js';

/** By code of the problem document. */
const words = {
  SESSION_REQUIRED: 'You are no longer logged in.',
  REAUTHORIZATION_REQUIRED: 'The provider wants to see you again: please log in.',
  TOKEN_NOT_FOUND: 'You are not connected to this provider: please log in there.',
  PROVIDER_UNAVAILABLE: 'The provider does not answer right now. Nothing is lost.',
  TOO_MANY_CALLS: 'Too many calls of yours are under way already.',
  CALL_NOT_LISTED: 'This call is not among those that the app passes on.',
  ANSWER_TOO_LARGE: 'The API’s answer is larger than what the app passes on.',
  API_UNAUTHORIZED: 'The API refuses your token, and a new one, too. Whoever runs this app has to look.',
  API_REDIRECT_REFUSED: 'The API leads elsewhere, where your token must not go.',
  API_UNREACHABLE: 'The API cannot be reached right now.',
  API_TIMEOUT: 'The API took too long to answer and was given up.',
  KEY_UNAVAILABLE:
    'Your tokens cannot be opened right now. They are safe; whoever runs this app has to look.',
};

const inDoubt = 'The app does not answer. Whether something was done shows once it does.';
const broken = 'The app could not do this. Whoever runs it finds the reason in its log.';

function again(seconds) {
  if (seconds === null) return '';
  return ` Try again at ${timeOfDay(serverNow() + seconds * 1000)}.`;
}

/** `login`: where the user goes on, else null. `mood`: how worried to be. */
export function explain(error) {
  if (!(error instanceof Problem)) return { text: inDoubt, login: null, mood: 'dead' };
  const { status, code, login = null, retryAfterSeconds } = error;
  const known = words[code] ?? (status >= 500 ? broken : error.message);
  const passing = retryAfterSeconds !== null || ['API_UNREACHABLE', 'API_TIMEOUT'].includes(code);
  return { text: known + again(retryAfterSeconds), login, mood: passing ? 'waiting' : 'dead' };
}
