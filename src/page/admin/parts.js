/* What the sections of the operator's page are made of. */
import { during } from '../elements.js';
import { explain } from './words.js';

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
export function act(button, place, work, key = () => null) {
  return during(button, async () => {
    answer(place, '', '');
    try {
      const done = await work();
      if (done === false) return;
      await look().catch(() => undefined);
      answer(place, done ?? '', 'good');
    } catch (error) {
      await look().catch(() => undefined);
      answer(place, explain(error, key()), 'refused');
    }
  });
}
