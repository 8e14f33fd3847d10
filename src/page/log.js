/* What happened, the newest first. What the user has to know is also said to those who listen to the page. */
import { byId } from './app.js';
import { make } from './elements.js';
import { capitalized, serverNow, timeOfDay } from './words.js';

const MOST = 100;

/** `about`: whose connection it is about, if any. `quiet`: it happens all the time, and is not said aloud. */
export function log(text, { kind = '', about = '', quiet = false } = {}) {
  const now = make('time', { textContent: timeOfDay(serverNow()) });
  const head = make('p', { className: 'when' }, now);
  if (about) head.append(` · ${about}`);
  byId('log').prepend(make('li', { className: kind }, head, text));
  while (byId('log').children.length > MOST) byId('log').lastChild.remove();
  if (!quiet) byId('said').textContent = about ? `${capitalized(about)}: ${text}` : text;
}
