import { Command } from 'commander';
import type { LocalKeyWrapper } from '../keys/local-key-wrapper.js';
import { defaultConfigFile } from './config-file.js';
import { keyringFileWrapper } from './config.js';
import { EXIT, usageError } from './exit-code.js';
import { section, table } from './format.js';
import { keyringOf } from './keyring-entry.js';
import { modeOf, readText } from './keyring-file.js';
import { configOption } from './options.js';
import type { KekTrial } from './keyring-trial.js';
import { type ConfigOptions, withDatabase } from './session.js';
import type { Terminal } from './terminal.js';

const UNTRIED =
  'NOT TRIED against a database: there is no configuration in the working directory. Name one with --config <file>.';

interface CheckOptions extends ConfigOptions {
  file?: string;
}

export function keyringCheckCommand(terminal: Terminal): Command {
  return new Command('check')
    .description(
      'list the ids of a keyring, never its keys, and try it against the database of a configuration',
    )
    .option('--file <path>', 'a keyring file, tried in place of the configured one')
    .addOption(configOption())
    .action(async ({ file, config }: CheckOptions) => {
      if (file !== undefined) showFile(terminal, file);
      if (file !== undefined && config === undefined && defaultConfigFile() === undefined)
        return terminal.note(UNTRIED);
      if (file !== undefined) terminal.print('');
      await tryOut(terminal, { file, config });
    });
}

function showFile(terminal: Terminal, file: string): void {
  const { keys, primary } = keyringOf(readText(file), file);
  terminal.print(
    section(
      file,
      table(
        ['ID', 'USE'],
        [...keys.keys()].map((id) => [id, id === primary ? 'wraps and opens' : 'opens']),
      ),
    ),
  );
  if ((modeOf(file) & 0o077) !== 0)
    terminal.note(`Others than its owner can read ${file}: if it is not a mounted secret, chmod 600 ${file}`);
}

/** Opens a data key of each key-encryption key in use. */
async function tryOut(terminal: Terminal, { file, config }: CheckOptions): Promise<void> {
  const { tryWrapper } = await import('./keyring-trial.js');
  const trials = await withDatabase({ config }, ({ dataSource, wrapper }) =>
    tryWrapper(dataSource, file === undefined ? wrapper : wrapperOf(file)),
  );
  terminal.print(section('Key-encryption keys in use', trials.length === 0 ? 'none' : trialTable(trials)));
  const faulty = trials.filter(({ result }) => result === 'missing' || result === 'fails');
  if (faulty.length === 0)
    return terminal.print('It opens a data key of each key-encryption key that was tried.');
  terminal.exitCode = EXIT.attention;
  for (const { fault } of faulty) if (fault !== null) terminal.print(`- ${fault}`);
  terminal.print(
    `DO NOT DEPLOY IT: data keys under ${faulty.map(({ id }) => `"${id}"`).join(', ')} cannot be opened.`,
  );
}

const trialTable = (trials: readonly KekTrial[]): string =>
  table(
    ['ID', 'DATA KEYS', 'RESULT'],
    trials.map(({ id, dataKeys, result }) => [id, dataKeys, result]),
  );

function wrapperOf(file: string): LocalKeyWrapper {
  const faults: string[] = [];
  const wrapper = keyringFileWrapper(file, file, faults);
  if (!wrapper) throw usageError(faults.join('\n'));
  return wrapper;
}
