import { Command } from 'commander';
import { configOption, jsonOption, tenantOption } from './options.js';
import { planReport } from './plan.report.js';
import { type ConfigOptions, withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

interface PlanOptions extends ConfigOptions {
  tenant?: string;
  json?: boolean;
}

export function planCommand(terminal: Terminal): Command {
  return new Command('plan')
    .description('what a rotation would do; writes nothing')
    .addOption(configOption())
    .addOption(tenantOption())
    .addOption(jsonOption())
    .action((options: PlanOptions) =>
      withKeyTools(options, async ({ keys }) => {
        const plan = await keys.plan({ tenantId: options.tenant });
        terminal.print(options.json ? JSON.stringify(plan, null, 2) : planReport(plan));
      }),
    );
}
