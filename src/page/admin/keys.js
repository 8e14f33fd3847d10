/* The data keys, by state, and what can be done with each. */
import { ask, byId } from '../app.js';
import { arrange, make, setText } from '../elements.js';
import { confirm } from '../question.js';
import { act } from './parts.js';
import { counted, date, number, serverNow, shortId, since } from './words.js';

const FILTER_FROM = 12;

/** Every state with its name for a person, and what it means; in the order of the table. */
const states = {
  decrypt_only: ['Replaced', 'opens what is left under it, seals nothing'],
  active: ['Active', 'seals and opens'],
  pending: ['Being made', 'seals nothing yet'],
  retired: ['Retired', 'neither seals nor opens; can be restored'],
  destroyed: ['Destroyed', 'erased; only its entry stays'],
};

/** By id of the key, and by state for the headings. */
const views = new Map();
const headings = new Map();

function addKey(id) {
  const root = byId('key').content.cloneNode(true).firstElementChild;
  const of = Object.fromEntries(
    [...root.querySelectorAll('[data-of]')].map((part) => [part.dataset.of, part]),
  );
  const view = { root, of, place: root.querySelector('[data-answer]'), key: null };
  const on = (name, work) =>
    of[name].addEventListener('click', async () => {
      await act(of[name], view.place, work, () => view.key);
      paintKey(view);
      // The button has gone with the old state; the keyboard goes on at the next one.
      if (of[name].hidden && document.activeElement === document.body)
        root.querySelector('button:not([hidden])')?.focus();
    });
  const change = (what) => ask(`/admin/keys/${id}/${what}`, 'POST');
  of.id.append(make('code', { textContent: shortId(id), title: id }));

  on('rotate', () => rotate(view.key.tenantId));
  on('retire', async () => {
    await change('retire');
    return 'Retired. Nothing can be sealed or opened under it.';
  });
  on('restore', async () => {
    await change('restore');
    return 'Restored: it opens again what is sealed under it.';
  });
  on('destroy', async () => {
    const lines = [
      `Key ${id} of tenant “${view.key.tenantId}” is erased for good.`,
      'What a restored backup holds under it can then never be read again.',
    ];
    const agreed = await confirm({ title: 'Destroy this key?', lines, button: 'Destroy it', bad: true });
    return agreed && change('destroy').then(() => 'Destroyed.');
  });
  views.set(id, view);
  return view;
}

function paintKey({ key, of, place }) {
  const { state, tenantId, purpose, kekId, createdAt, rows, quarantinedRows, destroyAfter } = key;
  setText(of.tenant, tenantId);
  of.purpose.hidden = purpose === 'token';
  setText(of.age, since(createdAt));
  of.age.title = date(createdAt);
  setText(of.kek, kekId === '' ? '–' : kekId);
  // What the application has sealed with a key of its own, only the application can count.
  setText(of.rows, purpose === 'token' ? number(rows) : '–');
  of.quarantined.hidden = quarantinedRows === 0;
  setText(of.quarantined, `${number(quarantinedRows)} quarantined`);
  of.rotate.hidden = state !== 'active';
  of.retire.hidden = state !== 'decrypt_only' || purpose !== 'token';
  of.restore.hidden = of.destroy.hidden = state !== 'retired';
  const early = state === 'retired' && destroyAfter !== null && Date.parse(destroyAfter) > serverNow();
  of.note.hidden = !early;
  if (early) setText(of.note, `May be destroyed from ${date(destroyAfter)} on.`);
  of.below.hidden = of.note.hidden && place.hidden;
}

function headingOf(state, count) {
  if (!headings.has(state)) {
    const [name, meaning] = states[state];
    const counter = make('span');
    const cell = make('th', { colSpan: 6, scope: 'rowgroup' }, make('strong', { textContent: name }));
    cell.append(' ', counter, make('small', { textContent: `${state} · ${meaning}` }));
    const root = make('tbody', { className: `state ${state}` }, make('tr', {}, cell));
    headings.set(state, { root, counter });
  }
  const { root, counter } = headings.get(state);
  setText(counter, number(count));
  return root;
}

const compare = (a, b) => Number(a > b) - Number(a < b);

/** `total`: of all keys, which may be more than are listed. */
export function paintKeys({ dataKeys, states: counts }, total) {
  byId('cut').hidden = total === dataKeys.length;
  setText(
    byId('cut'),
    `${number(dataKeys.length)} of ${counted(total, 'key')}: those in change, then active ones.`,
  );
  byId('filter-label').hidden = total < FILTER_FROM;
  const filter = byId('filter').value.trim().toLowerCase();
  const wanted = Object.keys(states).flatMap((state) => {
    const group = dataKeys
      .filter((key) => key.state === state && `${key.tenantId} ${key.id}`.toLowerCase().includes(filter))
      .toSorted((a, b) => compare(a.tenantId, b.tenantId) || compare(b.createdAt, a.createdAt))
      .map((key) => {
        const view = views.get(key.id) ?? addKey(key.id);
        view.key = key;
        paintKey(view);
        return view.root;
      });
    return group.length === 0 ? [] : [headingOf(state, counts[state]), ...group];
  });
  arrange(byId('keys'), wanted, 1);
}

/** Shows what a rotation would do, and does it: of one tenant's keys, or of all. */
export async function rotate(tenantId) {
  const of = tenantId === undefined ? {} : { tenantId };
  const { body: plan } = await ask(`/admin/keys/plan?${new URLSearchParams(of)}`);
  const keys = counted(plan.counts.rotate, 'active key gets a successor', 'active keys get successors');
  const lines = [
    `${keys}. ${counted(plan.rows, 'row')} will be sealed again in the background.`,
    'Nobody has to wait: what is under a replaced key can be opened until it has moved.',
  ];
  const title = tenantId === undefined ? 'Rotate all keys?' : `Rotate the keys of “${tenantId}”?`;
  if (!(await confirm({ title, lines, button: 'Rotate' }))) return false;
  const { body } = await ask('/admin/keys/rotate', 'POST', of);
  return `${counted(body.rotated.length, 'key')} replaced.`;
}

/** Erases a tenant, once its name was typed. */
export async function shred(tenantId, dataKeys) {
  const keys = dataKeys.filter((key) => key.tenantId === tenantId && key.state !== 'destroyed');
  const rows = keys.reduce((sum, key) => sum + key.rows, 0);
  const lines = [
    `${counted(keys.length, 'data key')} of “${tenantId}” with ${counted(rows, 'row')} of tokens: gone at once, on every replica. This cannot be undone.`,
    'The tenant gets no new keys, so its users cannot log in again. Backups made before now can still be read with the keyring. Grants at the providers stay.',
  ];
  const question = { title: `Shred “${tenantId}”?`, lines, button: 'Shred it for ever' };
  if (!(await confirm({ ...question, type: tenantId, bad: true }))) return false;
  const path = `/admin/tenants/${encodeURIComponent(tenantId)}/shred`;
  const { body } = await ask(path, 'POST', { confirm: tenantId });
  return `“${tenantId}” is shredded: ${counted(body.keys, 'key')} destroyed, ${counted(body.tokens, 'row')} erased.`;
}
