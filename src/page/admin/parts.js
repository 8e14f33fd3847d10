/* What the sections of the operator's page are made of. */
import { byId } from '../app.js';
import { explain } from './words.js';

export function setText(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Shows these children, after the first `from`, and touches only what has changed, so that the focus stays where it is. */
export function arrange(parent, wanted, from = 0) {
  for (const child of [...parent.children].slice(from)) if (!wanted.includes(child)) child.remove();
  for (const [index, child] of wanted.entries()) {
    const here = parent.children[index + from];
    if (here === child) continue;
    const focused = child.contains(document.activeElement) ? document.activeElement : null;
    parent.insertBefore(child, here ?? null);
    focused?.focus();
  }
}

const dialog = byId('question');
const [go, typed] = [byId('go'), byId('typed')];
/** What has to be typed before the operator can say yes; null: nothing. */
let expected = null;
let settle = () => undefined;

const check = () => (go.ariaDisabled = String(expected !== null && typed.value !== expected));

typed.addEventListener('input', check);
dialog.addEventListener('close', () => settle(dialog.returnValue === 'go'));
dialog.querySelector('form').addEventListener('submit', (event) => {
  if (event.submitter?.value === 'go' && go.ariaDisabled === 'true') event.preventDefault();
});

/**
 * Resolves to whether the operator says yes. `button` null: there is nothing to say yes to. `type`: what has to be typed
 * for it.
 */
export function confirm({ title, lines, button, type = null, bad = false }) {
  if (dialog.open) return false;
  byId('question-title').textContent = title;
  byId('question-text').replaceChildren(...lines.map((line) => make('p', { textContent: line })));
  go.hidden = button === null;
  go.textContent = button ?? '';
  go.classList.toggle('bad', bad);
  byId('typed-label').hidden = type === null;
  byId('typed-label').querySelector('span').textContent = `Type “${type}” to confirm`;
  typed.value = '';
  expected = type;
  check();
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    settle = resolve;
  });
}

let look = async () => undefined;

/** What is to be called after whatever the operator has done. */
export function afterEachAct(callback) {
  look = callback;
}

/** Where a section says how something went. */
export const placeFor = (element) => element.closest('section').querySelector('[data-answer]');

function answer(place, words, kind) {
  place.hidden = words === '';
  place.className = `answer ${kind}`;
  place.textContent = words;
}

/**
 * Does what a button says, and tells at `place` how it went. `work` answers with words, null for nothing to tell, or
 * false when the operator has thought better of it. `key`: the one that it is about, as it is then.
 */
export async function act(button, place, work, key = () => null) {
  if (button.ariaDisabled === 'true') return;
  // Not `disabled`, which would take the focus from whoever uses the keyboard.
  button.ariaDisabled = 'true';
  answer(place, '', '');
  try {
    const done = await work();
    if (done === false) return;
    await look().catch(() => undefined);
    answer(place, done ?? '', 'good');
  } catch (error) {
    await look().catch(() => undefined);
    answer(place, explain(error, key()), 'refused');
  } finally {
    button.ariaDisabled = 'false';
  }
}
