/* Asks before something is done that cannot be undone. */
import { byId } from './app.js';
import { make } from './elements.js';

const dialog = byId('question');
const [go, typed] = [byId('go'), byId('typed')];
/** What has to be typed before one can say yes; null: nothing. */
let expected = null;
let settle = () => undefined;

const check = () => (go.ariaDisabled = String(expected !== null && typed?.value !== expected));

typed?.addEventListener('input', check);
// Not `close`, which comes later: the next question may have been asked by then.
dialog.addEventListener('cancel', () => settle(false));
dialog.querySelector('form').addEventListener('submit', (event) => {
  const yes = event.submitter?.value === 'go';
  if (yes && go.ariaDisabled === 'true') event.preventDefault();
  else settle(yes);
});

function askToType(type) {
  expected = type;
  if (typed === null) return;
  byId('typed-label').hidden = type === null;
  byId('typed-label').querySelector('span').textContent = `Type “${type}” to confirm`;
  typed.value = '';
}

/**
 * Resolves to whether the answer is yes. `button` null: there is nothing to say yes to. `type`: what has to be typed for
 * it, on a page whose dialog has a field for it.
 */
export function confirm({ title, lines, button, type = null, bad = false }) {
  if (dialog.open) return false;
  byId('question-title').textContent = title;
  byId('question-text').replaceChildren(...lines.map((line) => make('p', { textContent: line })));
  go.hidden = button === null;
  go.textContent = button ?? '';
  go.classList.toggle('bad', bad);
  askToType(type);
  check();
  dialog.showModal();
  return new Promise((resolve) => {
    settle = resolve;
  });
}
