import { Command, InvalidArgumentError } from 'commander';
import type { KeyTools } from '../key-tools.js';
import { attention } from './attention.js';
import { EXIT } from './exit-code.js';
import { configOption, jsonOption } from './options.js';
import { type ConfigOptions, withKeyTools } from './session.js';
import { statusReport } from './status.report.js';
import { interruptible, pause } from './interrupt.js';
import type { Terminal } from './terminal.js';

interface StatusOptions extends ConfigOptions {
  json?: boolean;
  all?: boolean;
  watch?: number | true;
}

export function statusCommand(terminal: Terminal): Command {
  return new Command('status')
    .description(
      'data keys, key-encryption keys, replicas, re-encryption; exit code 3 when something needs attention',
    )
    .addOption(configOption())
    .option('--all', 'every data key (at most 1,000), not only those in change')
    .addOption(jsonOption())
    .option('--watch [seconds]', 'again and again until Ctrl-C', seconds)
    .action((options: StatusOptions) =>
      withKeyTools(options, async ({ keys }) => {
        if (options.watch === undefined) return show(terminal, keys, options);
        await watch(terminal, keys, options);
      }),
    );
}

async function show(
  terminal: Terminal,
  keys: KeyTools['keys'],
  { json, all = false }: StatusOptions,
): Promise<void> {
  const status = await keys.status();
  terminal.print(json ? JSON.stringify(status, null, 2) : statusReport(status, all));
  terminal.exitCode = attention(status).length > 0 ? EXIT.attention : EXIT.ok;
}

async function watch(terminal: Terminal, keys: KeyTools['keys'], options: StatusOptions): Promise<void> {
  const milliseconds = (typeof options.watch === 'number' ? options.watch : 2) * 1000;
  await interruptible(async (stopped) => {
    const ended = AbortSignal.any([stopped, terminal.unread]);
    while (!ended.aborted) {
      terminal.clear();
      await show(terminal, keys, options);
      await pause(milliseconds, ended);
    }
  });
}

function seconds(text: string): number {
  const value = Number(text);
  if (value >= 1 && value <= 3600) return value;
  throw new InvalidArgumentError('It must be a number of seconds from 1 to 3600.');
}
