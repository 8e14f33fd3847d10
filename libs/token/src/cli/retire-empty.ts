import { KeyStateError } from '../common/errors.js';
import type { KeyTools } from '../key-tools.js';
import type { DataKeyStatus, KeyPlan } from '../key.service.types.js';
import { confirm } from './confirmation.js';
import { explain } from './failure.js';
import { count, section } from './format.js';
import type { ChangeOptions } from './options.js';
import { listed } from './plan.report.js';
import { inOrder } from './status.report.js';
import type { Terminal } from './terminal.js';

export const MEANING =
  'Afterwards no replica opens or seals anything under it; `tokenward keys restore` takes that back.\nThe database refuses while a token set is left.';

/** Retires every key that is empty. One that has changed since it was announced keeps no other from it. */
export async function retireEmpty(
  terminal: Terminal,
  keys: KeyTools['keys'],
  options: ChangeOptions,
): Promise<void> {
  const plan = await keys.plan();
  if (plan.retire.length === 0) return terminal.print('No key is empty: nothing to retire.');
  const announced = plan.counts.retire;
  terminal.print(section(`This retires ${count(announced, 'data key')}`, listed(plan.retire, announced)));
  terminal.print(MEANING);
  await confirm(terminal, options);
  const inUse = new Set<string>();
  for await (const { id } of announcedKeys(keys, plan)) {
    try {
      await keys.retire(id, { actor: options.actor });
      inUse.delete(id);
      terminal.print(`Retired ${id}.`);
    } catch (error) {
      // The job of the application was faster, or a replica that lags behind has sealed something under it again.
      if (!(error instanceof KeyStateError)) throw error;
      terminal.note(explain(error).message);
      if (error.code === 'KEY_IN_USE') inUse.add(id);
    }
  }
  if (inUse.size > 0)
    throw new KeyStateError(
      'KEY_IN_USE',
      `${count(inUse.size, 'key is', 'keys are')} in use again, see above; the others are retired.`,
    );
}

/** A plan names a part of very many keys. Never more keys than were announced: what became empty since is for the next time. */
async function* announcedKeys(
  keys: KeyTools['keys'],
  { counts, retire }: KeyPlan,
): AsyncGenerator<DataKeyStatus> {
  let left = counts.retire;
  for (let page = retire; page.length > 0; page = left > 0 ? (await keys.plan()).retire : []) {
    yield* inOrder(page).slice(0, left);
    left -= page.length;
  }
}
