import { Command } from 'commander';
import { confirm } from './confirmation.js';
import { aboutKey, findKey } from './one-key.js';
import { type ChangeOptions, changing } from './options.js';
import { withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

export function restoreCommand(terminal: Terminal): Command {
  return changing(
    new Command('restore')
      .description('let a retired key open again, for example for rows that come back from a backup')
      .argument('<key>', 'id of the data key'),
  ).action((id: string, options: ChangeOptions) =>
    withKeyTools(options, async ({ keys }) => {
      terminal.print(aboutKey('This lets open again', await findKey(keys, id), id));
      await confirm(terminal, options);
      await keys.restore(id, { actor: options.actor });
      terminal.print(`Restored ${id}: it opens, and seals nothing new.`);
    }),
  );
}
