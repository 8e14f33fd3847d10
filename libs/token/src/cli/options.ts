import { Command, Option } from 'commander';
import { defaultActor } from './session.js';

export const configOption = (): Option =>
  new Option('--config <file>', 'configuration (default: tokenward.config.js, .mjs or .ts here)');

export const jsonOption = (): Option => new Option('--json', 'for programs');

export interface ChangeOptions {
  config?: string;
  actor: string;
  yes?: boolean;
}

/** A command that changes something: it says who has asked for it, and asks first. */
export function changing(command: Command): Command {
  return command
    .addOption(configOption())
    .option('--actor <name>', 'who asks for it, for the audit trail', defaultActor())
    .option('--yes', 'do not ask');
}

export const tenantOption = (): Option => new Option('--tenant <id>', 'this tenant only');
