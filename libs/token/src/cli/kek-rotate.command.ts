import { Command } from 'commander';
import { KeyStateError } from '../common/errors.js';
import { confirm } from './confirmation.js';
import { count } from './format.js';
import { type ChangeOptions, changing } from './options.js';
import { withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

export function kekCommand(terminal: Terminal): Command {
  const kek = new Command('kek').description('key-encryption keys');
  return kek.addCommand(
    changing(
      new Command('rotate').description(
        'wrap all data keys under the first key-encryption key of the configuration; no token set is touched',
      ),
    ).action((options: ChangeOptions) =>
      withKeyTools(options, async ({ keys }) => {
        const { rewrap } = await keys.plan();
        if (rewrap.refusedBecause !== null)
          throw new KeyStateError('KEK_NOT_EVERYWHERE', `${rewrap.refusedBecause}. Nothing was changed.`);
        if (rewrap.dataKeys === 0)
          return terminal.print(`All data keys are wrapped under "${rewrap.kekId}": nothing to do.`);
        terminal.print(
          `This wraps ${count(rewrap.dataKeys, 'data key')} anew under "${rewrap.kekId}". No token set is touched.`,
        );
        await confirm(terminal, options);
        const { kekId, rewrapped } = await keys.rotateKek({ actor: options.actor });
        terminal.print(`Wrapped ${count(rewrapped, 'data key')} anew under "${kekId}".`);
        terminal.note(
          'Keep the old key-encryption key until no backup that you may restore was made before this.',
        );
      }),
    ),
  );
}
