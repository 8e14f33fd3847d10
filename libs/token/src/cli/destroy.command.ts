import { Command } from 'commander';
import { KeyStateError } from '../common/errors.js';
import { confirmByTyping } from './confirmation.js';
import { aboutKey, findKey } from './one-key.js';
import { type ChangeOptions, changing } from './options.js';
import { withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

export function destroyCommand(terminal: Terminal): Command {
  return changing(
    new Command('destroy')
      .description('erase a retired key for good, once no backup needs it')
      .argument('<key>', 'id of the data key'),
  ).action((id: string, options: ChangeOptions) =>
    withKeyTools(options, async ({ keys }) => {
      const key = await findKey(keys, id);
      terminal.print(aboutKey('This erases', key, id));
      // The service refuses it, too; but nobody should have to type an id for nothing.
      if (key?.destroyAfter && key.destroyAfter > key.now)
        throw new KeyStateError('KEY_DESTROY_TOO_EARLY', 'a backup may still need it. Nothing was changed.');
      terminal.print(
        'THIS CANNOT BE UNDONE. Rows under it that come back from a backup cannot be opened any more, unless the backup brings the key as well.',
      );
      await confirmByTyping(terminal, 'id of the key', id, options);
      await keys.destroy(id, { actor: options.actor });
      terminal.print(`Destroyed ${id}.`);
    }),
  );
}
