/* Numbers, times and refusals in words for the operator. */
import { Problem } from '../app.js';

const numbers = new Intl.NumberFormat();
const minutely = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const secondly = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** The server's time minus ours, in milliseconds. */
let clockOffset = 0;

export function setServerTime(instant) {
  clockOffset = Date.parse(instant) - Date.now();
}

export const serverNow = () => Date.now() + clockOffset;
export const number = (count) => numbers.format(count);
export const counted = (count, one, many = `${one}s`) => `${number(count)} ${count === 1 ? one : many}`;
export const shortId = (id) => id.slice(0, 8);
export const date = (instant) => minutely.format(Date.parse(instant));
export const exactDate = (instant) => secondly.format(Date.parse(instant));

export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

export const since = (instant) => span(serverNow() - Date.parse(instant));

/** A refusal as the operator should read it: what stands in the way, and what to do. `key`: the one it is about, if any. */
export function explain(error, key = null) {
  if (!(error instanceof Problem))
    return 'The app does not answer. Whether something was changed shows once it does.';
  if (error.code === 'KEY_IN_USE' && key) return explainInUse(key);
  if (error.code === 'KEY_DESTROY_TOO_EARLY' && key?.destroyAfter)
    return `Not destroyed: a backup that needs this key may still be restored. It can go from ${date(key.destroyAfter)} on.`;
  if (error.code === 'KEY_UNAVAILABLE')
    return `Not all of it was done. ${error.message} See the key-encryption keys below, and the log.`;
  return error.message;
}

function explainInUse({ rows, quarantinedRows }) {
  const first = 'Not retired: the database refuses while rows are sealed under this key.';
  if (rows === 0) return `${first} There were some a moment ago; now it is empty, so try again.`;
  const left = `${counted(rows, 'row is', 'rows are')} left.`;
  if (quarantinedRows === 0) return `${first} ${left} Re-encrypt, then retire it.`;
  const stuck = quarantinedRows === rows ? 'All of this' : `${number(quarantinedRows)} of this`;
  return `${first} ${left} ${stuck} could not be opened and was left in place: users replace such a row by logging in again.`;
}
