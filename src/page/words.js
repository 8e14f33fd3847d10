/* Times, amounts and names in words, by the server's clock. */
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

/** The server's time minus ours, in milliseconds. */
let clockOffset = 0;

export function setServerTime(instant) {
  clockOffset = Date.parse(instant) - Date.now();
}

export const serverNow = () => Date.now() + clockOffset;
export const timeOfDay = (instant) => clock.format(instant);
export const capitalized = (text) => text[0].toUpperCase() + text.slice(1);
export const counted = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
export const seconds = (milliseconds) => Math.max(0, Math.ceil(milliseconds / 1000));

/** An amount of seconds, and its unit: as exact as a person wants it. */
export function span(count) {
  if (count < 120) return `${count} s`;
  if (count < 2 * 3600) return `${Math.floor(count / 60)} min`;
  return count < 48 * 3600 ? `${Math.floor(count / 3600)} h` : `${Math.floor(count / 86_400)} days`;
}

export function ago(instant) {
  const count = Math.max(0, Math.floor((serverNow() - Date.parse(instant)) / 1000));
  return count < 5 ? 'just now' : `${span(count)} ago`;
}

/** Amount and unit; seconds while a person would count them. */
export function timeLeft(count) {
  if (count < 1000) return [count, count === 1 ? 'second left' : 'seconds left'];
  return count < 100 * 3600
    ? [Math.floor(count / 60), 'minutes left']
    : [Math.floor(count / 86_400), 'days left'];
}
