/* Where the user is logged in, and the way to end that. */
import { byId } from './app.js';
import { ask } from './client.js';
import { deviceName } from './devices.js';
import { arrange, copyOf, during, setText } from './elements.js';
import { explain } from './explain.js';
import { log } from './log.js';
import { confirm } from './question.js';
import { ago, counted } from './words.js';

/** By handle: the elements of a session. */
const rows = new Map();
let others = 0;

function addRow({ handle, isCurrent, userAgent }) {
  const row = copyOf(byId('device'));
  const name = deviceName(userAgent);
  row.root.dataset.session = isCurrent ? 'current' : 'other';
  row.of.name.textContent = name;
  row.of.current.hidden = !isCurrent;
  row.of.end.hidden = isCurrent;
  row.of.end.ariaLabel = `End the session on ${name}`;
  row.of.end.addEventListener('click', () =>
    change(row.of.end, () => ask(`/auth/sessions/${handle}`, 'DELETE'), `Ended the session on ${name}.`),
  );
  rows.set(handle, row);
  return row;
}

function show(session) {
  const { root, of } = rows.get(session.handle) ?? addRow(session);
  setText(of.times, `Logged in ${ago(session.createdAt)} · last seen ${ago(session.lastSeenAt)}`);
  return root;
}

export async function lookAtSessions() {
  const { body } = await ask('/auth/sessions');
  const sorted = body.toSorted(
    (a, b) => b.isCurrent - a.isCurrent || Date.parse(b.createdAt) - Date.parse(a.createdAt),
  );
  others = body.length - 1;
  arrange(byId('devices'), sorted.map(show));
  byId('end-others').hidden = others === 0;
  setText(
    byId('devices-note'),
    others === 0
      ? 'You are logged in on this device only.'
      : 'Whoever is logged out hears of it at once. Use is noted now and then, so “last seen” may lag behind.',
  );
}

async function change(button, work, done) {
  await during(button, async () => {
    try {
      await work();
      log(done, { kind: 'mine' });
    } catch (error) {
      log(explain(error).text, { kind: 'dead' });
    }
    await lookAtSessions().catch(() => undefined);
  });
  // The button may have gone with its session.
  if (!button.isConnected || button.hidden) byId('devices-title').focus();
}

async function endOthers() {
  const devices = counted(others, 'other device');
  const question = {
    title: `Log out ${devices}?`,
    lines: ['Whoever is logged in there has to log in again. You stay logged in here.'],
    button: 'Log out the others',
    bad: true,
  };
  if (!(await confirm(question))) return;
  await change(byId('end-others'), () => ask('/auth/sessions/end-others', 'POST'), `Logged out ${devices}.`);
}

byId('end-others').addEventListener('click', () => void endOthers());
