/*
 * Shows the keys, what is under them and what was done with them. It asks once a second while something moves, and now
 * and then while nothing does. No key ever comes here: only ids, counts and times.
 */
import { ask, byId } from '../app.js';
import { make } from '../elements.js';
import { paintKeys, rotate, shred } from './keys.js';
import { paintAudit, paintJobs, paintKeks, paintReplicas, rotateKek, run } from './lists.js';
import { act, afterEachAct, placeFor } from './parts.js';
import { paintProgress } from './progress.js';
import { setServerTime } from './words.js';

const SOON_MS = 1000;
const LATER_MS = 5000;
/** After a change the page looks often for so long: what follows from it may take a moment to begin. */
const STIR_MS = 15_000;

let stirredAt = -Infinity;
let status = null;
let jobs = [];

function offerTenants() {
  const tenants = new Set(
    status.dataKeys.filter(({ state }) => state !== 'destroyed').map(({ tenantId }) => tenantId),
  );
  if (byId('tenants').children.length === tenants.size) return;
  byId('tenants').replaceChildren(...[...tenants].map((value) => make('option', { value })));
}

function paint() {
  const total = Object.values(status.states).reduce((sum, count) => sum + count, 0);
  paintProgress(status, jobs, total === status.dataKeys.length);
  paintKeys(status, total);
  paintKeks(status);
  paintReplicas(status);
  paintJobs(jobs);
  offerTenants();
}

async function look() {
  const [keys, work, audit] = await Promise.all(
    ['/admin/keys', '/admin/jobs', '/admin/audit?limit=100'].map((path) => ask(path)),
  );
  [status, jobs] = [keys.body, work.body];
  setServerTime(status.now);
  paint();
  paintAudit(audit.body);
  byId('board').hidden = false;
}

/** Something moves, or may be about to. */
const stirs = () =>
  status === null ||
  status.reencryption.rowsLeft > 0 ||
  jobs.some(({ running }) => running) ||
  Date.now() - stirredAt < STIR_MS;

let timer = null;

async function keepLooking() {
  clearTimeout(timer);
  try {
    if (!document.hidden) await look();
    byId('offline').hidden = true;
  } catch (error) {
    byId('offline').hidden = false;
    // The browser asks for the password when the page is loaded; asking on would only count as guessing.
    if (error.status === 401 || error.status === 429) {
      byId('offline').textContent = `${error.message} Then load this page again.`;
      return;
    }
  }
  clearTimeout(timer);
  timer = setTimeout(keepLooking, stirs() ? SOON_MS : LATER_MS);
}

const buttons = { rotate: () => rotate(), reencrypt: () => run('reencrypt'), 'rotate-kek': rotateKek };
for (const [id, work] of Object.entries(buttons))
  byId(id).addEventListener('click', () => void act(byId(id), placeFor(byId(id)), work));
byId('shred').addEventListener('submit', (event) => {
  event.preventDefault();
  void act(event.submitter, placeFor(event.target), () => shred(byId('tenant').value, status.dataKeys));
});
byId('filter').addEventListener('input', paint);
document.addEventListener('visibilitychange', () => void keepLooking());
afterEachAct(() => {
  stirredAt = Date.now();
  return keepLooking();
});
await keepLooking();
