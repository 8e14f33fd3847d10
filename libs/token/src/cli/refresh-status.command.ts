import { Command } from 'commander';
import { EXIT } from './exit-code.js';
import { heldIn, heldReport, needsAttention } from './held.report.js';
import { configOption, jsonOption } from './options.js';
import { type ConfigOptions, withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

interface StatusOptions extends ConfigOptions {
  json?: boolean;
}

export function refreshStatusCommand(terminal: Terminal): Command {
  return new Command('status')
    .description('how many token sets are held, and since when; exit code 3 when some are')
    .addOption(configOption())
    .addOption(jsonOption())
    .action(({ json, config }: StatusOptions) =>
      withKeyTools({ ...(config !== undefined && { config }) }, async ({ lineage }) => {
        const held = await heldIn(lineage);
        terminal.print(json ? JSON.stringify(held, null, 2) : heldReport(held));
        if (needsAttention(held)) terminal.exitCode = EXIT.attention;
      }),
    );
}
