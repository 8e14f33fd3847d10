import { createRequire } from 'node:module';
import { Command } from 'commander';
import { importCommand } from './import.command.js';
import { keyringCommand } from './keyring.command.js';
import { keysCommand } from './keys.command.js';
import { refreshCommand } from './refresh.command.js';
import type { Terminal } from './terminal.js';

const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };

const EXIT_CODES = `
Exit codes: 0 done, 1 refused or failed, 2 wrong command line or configuration, 3 something needs attention,
130 stopped with Ctrl-C.`;

/** The whole command line. Nothing in it ends the process: failures are thrown. */
export function createProgram(terminal: Terminal): Command {
  const program = new Command('tokenward')
    .description('Keys, held refresh tokens and imports of a Tokenward installation')
    .version(version, '--version', 'show the version')
    .option('--debug', 'show the stack of an error')
    .addHelpText('after', EXIT_CODES)
    .addCommand(keysCommand(terminal))
    .addCommand(keyringCommand(terminal))
    .addCommand(refreshCommand(terminal))
    .addCommand(importCommand(terminal));
  return throwing(program, terminal);
}

function throwing(command: Command, terminal: Terminal): Command {
  command.exitOverride().configureOutput({
    writeOut: (text) => terminal.print(text.trimEnd()),
    writeErr: (text) => terminal.note(text.trimEnd()),
  });
  for (const child of command.commands) throwing(child, terminal);
  return command;
}
