/* What a connection looks like. */
import { setText } from './elements.js';
import { describe } from './describe.js';
import { ago, seconds, serverNow, span, timeLeft } from './words.js';

/** How near to an end of the bar there is no room for words. */
const MARGIN = 0.15;

export function paint({ connection, of, root }) {
  const now = serverNow();
  const issued = Date.parse(connection.refreshedAt);
  const expires = connection.expiresAt === null ? null : Date.parse(connection.expiresAt);
  const due = connection.refreshAfter === null ? expires : Date.parse(connection.refreshAfter);
  const state = describe(connection, now);
  const alive = connection.status === 'active';
  const counts = alive && expires !== null;

  paintState(root, of, state);
  const [amount, unit] = counts ? timeLeft(seconds(expires - now)) : [alive ? 'No expiry' : 'No token', ''];
  setText(of.seconds, amount);
  setText(of.unit, unit);
  of.seconds.classList.toggle('word', !counts);

  const part = (instant) => Math.min(1, Math.max(0, (instant - issued) / (expires - issued)));
  root.style.setProperty('--lived', counts ? part(now) : 0);
  root.style.setProperty('--due', counts ? part(due) : 1);
  of.life.hidden = of.scale.hidden = !counts;
  of.due.hidden = !counts || part(due) > 1 - MARGIN || part(due) < MARGIN;

  setText(of.refreshes, connection.refreshes);
  setText(of.last, connection.refreshes === 0 ? 'not yet' : ago(connection.refreshedAt));
  setText(of.next, next(connection, alive ? due : null, now));
  for (const name of ['refresh', 'call', 'burst', 'guarded', 'disconnect', 'demo'])
    of[name].hidden = !alive || of[name].dataset.without !== undefined;
  of.calls.hidden = of.call.hidden;
  // What an API said before is not about the state of now.
  of.answer.hidden ||= !alive;
}

function paintState(root, of, { mood, word, notice }) {
  const classes = `card connection ${mood}`;
  if (root.className !== classes) root.className = classes;
  setText(of.status, word);
  setText(of.notice, notice ?? '');
  of.notice.hidden = notice === null;
  of.notice.classList.toggle('bad', mood === 'dead');
  of.reconnect.classList.toggle('quiet', mood !== 'dead');
}

function next({ lastFailure, retryAt }, due, now) {
  const instant = lastFailure !== null && retryAt !== null ? Date.parse(retryAt) : due;
  if (due === null) return 'none';
  return instant <= now ? 'any moment' : `in ${span(seconds(instant - now))}`;
}
