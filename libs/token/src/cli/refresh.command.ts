import { Command } from 'commander';
import { refreshReleaseCommand } from './refresh-release.command.js';
import { refreshStatusCommand } from './refresh-status.command.js';
import type { Terminal } from './terminal.js';

export function refreshCommand(terminal: Terminal): Command {
  return new Command('refresh')
    .description('refresh tokens that are held since a restored backup or a failover')
    .addCommand(refreshStatusCommand(terminal))
    .addCommand(refreshReleaseCommand(terminal));
}
