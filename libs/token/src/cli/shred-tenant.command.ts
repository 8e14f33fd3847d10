import { Command } from 'commander';
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
    withKeyTools(options, async ({ keys, report, sealedRows }) => {
      const found = await report.tenant(tenantId);
      if (!found.known)
        throw refusal(`Tenant "${tenantId}" has no data key: check the spelling. Nothing was changed.`);
      const tokens = count(await sealedRows.countTenant(tenantId), 'token set');
      terminal.print(
        found.count === 0
          ? // What an interrupted run has left, or a replica has written under a key that it still knew.
            `The data keys of tenant "${tenantId}" are destroyed already. This erases what is left: ${tokens}.`
          : section(
              `This erases ${count(found.count, 'data key')} of tenant "${tenantId}" with ${tokens}`,
              listed(found.keys, found.count),
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
