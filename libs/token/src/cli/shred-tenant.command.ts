import { Command } from 'commander';
import type { KeyTools } from '../key-tools.js';
import type { DataKeyStatus } from '../key.service.types.js';
import { confirmByTyping } from './confirmation.js';
import { refusal } from './exit-code.js';
import { count, section } from './format.js';
import { type ChangeOptions, changing } from './options.js';
import { listed } from './plan.report.js';
import { withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

export function shredTenantCommand(terminal: Terminal): Command {
  return changing(
    new Command('shred-tenant')
      .description(
        'erase all keys and tokens of a tenant: no replica can read them again, and no later copy of the database',
      )
      .argument('<tenant>', 'id of the tenant'),
  ).action((tenantId: string, options: ChangeOptions) =>
    withKeyTools(options, async ({ keys }) => {
      const found = await keysOf(keys, tenantId);
      if (found.length === 0)
        throw refusal(`Tenant "${tenantId}" has no data key: check the spelling. Nothing was changed.`);
      const rows = found.reduce((sum, key) => sum + key.rows, 0);
      terminal.print(
        section(
          `This erases ${count(found.length, 'data key')} of tenant "${tenantId}" with ${count(rows, 'token set')}`,
          listed(found),
        ),
      );
      terminal.print(
        'THIS CANNOT BE UNDONE. The tenant never gets new keys. Backups made before now can still be read with the keyring.\nGrants at the providers stay: revoke them first if they must end.',
      );
      await confirmByTyping(terminal, 'id of the tenant', tenantId, options);
      const shredded = await keys.shredTenant(tenantId, { actor: options.actor });
      terminal.print(
        `Shredded tenant "${tenantId}": ${count(shredded.keys, 'data key')} destroyed, ${count(shredded.tokens, 'token set')} erased.`,
      );
    }),
  );
}

/** The status lists keys in change first and may leave active ones out, which the plan lists. */
async function keysOf(keys: KeyTools['keys'], tenantId: string): Promise<DataKeyStatus[]> {
  const [{ dataKeys }, { rotate }] = [await keys.status(), await keys.plan({ tenantId })];
  const known = new Map([...rotate, ...dataKeys].map((key) => [key.id, key]));
  return [...known.values()].filter((key) => key.tenantId === tenantId && key.state !== 'destroyed');
}
