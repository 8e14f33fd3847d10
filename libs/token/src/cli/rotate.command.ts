import { Command } from 'commander';
import { confirm } from './confirmation.js';
import { count, section } from './format.js';
import { interruptible } from './interrupt.js';
import { type ChangeOptions, changing, tenantOption } from './options.js';
import { listed } from './plan.report.js';
import { reencrypt } from './reencryption.js';
import { withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

interface RotateOptions extends ChangeOptions {
  tenant?: string;
  reencrypt: boolean;
}

export function rotateCommand(terminal: Terminal): Command {
  return changing(
    new Command('rotate').description('give every tenant a new data key, and move the token sets to it'),
  )
    .addOption(tenantOption())
    .option('--no-reencrypt', 'leave moving the token sets to the job of the application')
    .action((options: RotateOptions) =>
      withKeyTools(options, async (tools) => {
        const { tenant: tenantId, actor } = options;
        const { counts, rotate, rows } = await tools.keys.plan({ tenantId });
        if (rotate.length === 0)
          return terminal.print(
            `${tenantId === undefined ? 'There is' : `Tenant "${tenantId}" has`} no active data key: nothing to rotate.`,
          );
        terminal.print(
          section(`This replaces ${count(counts.rotate, 'active data key')}`, listed(rotate, counts.rotate)),
        );
        terminal.print(
          options.reencrypt
            ? `and seals ${count(rows, 'token set')} again, while the application runs.`
            : `and leaves ${count(rows, 'token set')} under the old one${counts.rotate === 1 ? '' : 's'} for now.`,
        );
        await confirm(terminal, options);
        // Ctrl-C does not cut off a rotation that has begun, only what follows it.
        await interruptible(async (signal) => {
          const { rotated } = await tools.keys.rotate({ tenantId, actor });
          terminal.print(
            `Rotated ${count(rotated.length, 'data key')}. New tokens are sealed under the new keys.`,
          );
          if (options.reencrypt) await reencrypt(terminal, tools, signal);
        });
      }),
    );
}
