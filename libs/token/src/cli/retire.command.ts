import { Command } from 'commander';
import type { KeyTools } from '../key-tools.js';
import { confirm } from './confirmation.js';
import { usageError } from './exit-code.js';
import { aboutKey, findKey } from './one-key.js';
import { type ChangeOptions, changing } from './options.js';
import { MEANING, retireEmpty } from './retire-empty.js';
import { withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

interface RetireOptions extends ChangeOptions {
  allEmpty?: boolean;
}

export function retireCommand(terminal: Terminal): Command {
  return changing(
    new Command('retire')
      .description('take keys without token sets out of use; they can be restored until they are destroyed')
      .argument('[key]', 'id of the data key'),
  )
    .option('--all-empty', 'every key that is empty, as `tokenward keys plan` shows')
    .action(async (id: string | undefined, options: RetireOptions) => {
      if ((id === undefined) === !options.allEmpty)
        throw usageError('Name one data key, or all of them that are empty with --all-empty.');
      await withKeyTools(options, ({ keys }) =>
        id === undefined ? retireEmpty(terminal, keys, options) : retireOne(terminal, keys, id, options),
      );
    });
}

async function retireOne(
  terminal: Terminal,
  keys: KeyTools['keys'],
  id: string,
  options: RetireOptions,
): Promise<void> {
  terminal.print(aboutKey('This retires', await findKey(keys, id), id));
  terminal.print(MEANING);
  await confirm(terminal, options);
  await keys.retire(id, { actor: options.actor });
  terminal.print(`Retired ${id}.`);
}
