import { Command } from 'commander';
import { usageError } from './exit-code.js';
import { keyringCheckCommand } from './keyring-check.command.js';
import { assertKept, generateEntry, keyringOf, nextId, withEntry } from './keyring-entry.js';
import { changeText, modeOf } from './keyring-file.js';
import type { Terminal } from './terminal.js';

export function keyringCommand(terminal: Terminal): Command {
  return new Command('keyring')
    .description('make, extend and check keyrings: the key-encryption keys of an installation')
    .addCommand(generateCommand(terminal))
    .addCommand(addCommand(terminal))
    .addCommand(keyringCheckCommand(terminal));
}

function generateCommand(terminal: Terminal): Command {
  return new Command('generate')
    .description('print a new entry; the only command that prints a key')
    .option('--id <id>', 'its id: 1 to 16 of A-Z a-z 0-9 . _ -', '1')
    .action(({ id }: { id: string }) => {
      terminal.print(generateEntry(id));
      terminal.note('Keep it where your secrets are kept: whoever loses it loses the stored tokens.');
    });
}

interface AddOptions {
  file: string;
  id?: string;
  last?: boolean;
}

function addCommand(terminal: Terminal): Command {
  return new Command('add')
    .description('put a new entry into a keyring file, in front of the others')
    .requiredOption('--file <path>', 'the keyring file')
    .option('--id <id>', 'the id of the new entry (default: one more than the highest number)')
    .option('--last', 'behind the others: it opens, but is not wanted for wrapping yet')
    .action((options: AddOptions) => {
      const { id, ids } = addEntry(options);
      const { file, last } = options;
      terminal.print(`Added "${id}" to ${file}, which now holds: ${ids.join(', ')}.`);
      if ((modeOf(file) & 0o077) !== 0)
        terminal.note(`Others than its owner can read ${file}: chmod 600 ${file}`);
      terminal.note(last ? LAST : nextSteps(id));
    });
}

function addEntry({ file, id, last = false }: AddOptions): { id: string; ids: string[] } {
  const added = { id: '', ids: [] as string[] };
  changeText(file, (text) => {
    const before = keyringOf(text, file);
    added.id = id ?? nextId(before);
    if (before.keys.has(added.id))
      throw usageError(`--id "${added.id}": the keyring has an entry with this id. ${UNCHANGED}`);
    const changed = withEntry(text, generateEntry(added.id), last);
    const after = keyringOf(changed, file);
    assertKept(before, after);
    added.ids = [...after.keys.keys()];
    return changed;
  });
  return added;
}

const UNCHANGED = 'Every key needs an id of its own; the file is unchanged.';

const LAST = 'Nothing is wrapped under it while it is not the first entry: move it up to begin using it.';

const nextSteps = (id: string): string =>
  `
Replicas that share this file take it up within seconds, without a restart. To replicas with a file of their own,
copy this one: an entry that is generated again under the same id is another key.
Nothing is wrapped under "${id}" until every live replica has shown that it can open it:
  tokenward keys status        shows who has not
  tokenward keys kek rotate    then wraps all data keys under it
Keep the old entries while a data key, or a backup that you may restore, needs them.`.trimStart();
