import { Command, InvalidArgumentError } from 'commander';
import type { KeyAuditEntry } from '../key.service.types.js';
import { instant, table } from './format.js';
import { configOption, jsonOption } from './options.js';
import { type ConfigOptions, withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

interface AuditOptions extends ConfigOptions {
  limit: number;
  json?: boolean;
}

export function auditCommand(terminal: Terminal): Command {
  return new Command('audit')
    .description('who has changed which key and when, the newest first')
    .addOption(configOption())
    .option('--limit <n>', 'so many entries', limit, 100)
    .addOption(jsonOption())
    .action(({ limit: entries, json, config }: AuditOptions) =>
      withKeyTools({ config }, async ({ keys }) => {
        const trail = await keys.audit({ limit: entries });
        terminal.print(json ? JSON.stringify(trail, null, 2) : report(trail));
      }),
    );
}

const report = (trail: readonly KeyAuditEntry[]): string =>
  trail.length === 0
    ? 'No entry.'
    : table(
        ['TIME', 'ACTOR', 'ACTION', 'KEY', 'TENANT', 'FROM', 'TO'],
        trail.map(({ at, actor, action, keyId, tenantId, from, to }) => [
          instant(at),
          actor,
          action,
          keyId ?? '-',
          tenantId ?? '-',
          from ?? '-',
          to ?? '-',
        ]),
      );

function limit(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value;
  throw new InvalidArgumentError('It must be a whole number from 1 to 10000.');
}
