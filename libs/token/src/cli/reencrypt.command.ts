import { Command } from 'commander';
import { interruptible } from './interrupt.js';
import { configOption } from './options.js';
import { reencrypt } from './reencryption.js';
import { type ConfigOptions, withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

interface ReencryptOptions extends ConfigOptions {
  quarantined?: boolean;
}

export function reencryptCommand(terminal: Terminal): Command {
  return new Command('reencrypt')
    .description(
      'move the token sets that are still under old keys; may be stopped and begun again at any point',
    )
    .addOption(configOption())
    .option('--quarantined', 'try the rows again that could not be opened, after you have repaired them')
    .action((options: ReencryptOptions) =>
      withKeyTools(options, async (tools) => {
        if (options.quarantined) await tools.sealedRows.release();
        await interruptible((signal) => reencrypt(terminal, tools, signal));
      }),
    );
}
