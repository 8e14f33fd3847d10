import { Command } from 'commander';
import { auditCommand } from './audit.command.js';
import { destroyCommand } from './destroy.command.js';
import { kekCommand } from './kek-rotate.command.js';
import { planCommand } from './plan.command.js';
import { reencryptCommand } from './reencrypt.command.js';
import { restoreCommand } from './restore.command.js';
import { retireCommand } from './retire.command.js';
import { rotateCommand } from './rotate.command.js';
import { shredTenantCommand } from './shred-tenant.command.js';
import { statusCommand } from './status.command.js';
import type { Terminal } from './terminal.js';

const IN_ORDER = [
  statusCommand,
  planCommand,
  rotateCommand,
  reencryptCommand,
  retireCommand,
  restoreCommand,
  destroyCommand,
  shredTenantCommand,
  kekCommand,
  auditCommand,
];

export function keysCommand(terminal: Terminal): Command {
  const keys = new Command('keys').description('look at data keys and key-encryption keys, and rotate them');
  for (const command of IN_ORDER) keys.addCommand(command(terminal));
  return keys;
}
