import { Command } from 'commander';
import { confirmByTyping } from './confirmation.js';
import { refusal } from './exit-code.js';
import { count } from './format.js';
import { heldIn, heldReport, total } from './held.report.js';
import { type ChangeOptions, changing } from './options.js';
import { withKeyTools } from './session.js';
import type { Terminal } from './terminal.js';

const MEANING =
  'This lets them be presented again, by all replicas at once. Do it where nothing was lost: after a failover to a synchronous\n' +
  'standby, a planned move, an upgrade. A provider with reuse detection ends the grant of every user whose refresh token was\n' +
  'replaced after the recovery point. THIS CANNOT BE UNDONE.';

export function refreshReleaseCommand(terminal: Terminal): Command {
  return changing(
    new Command('release').description('let refresh tokens be presented that are held since a restore'),
  ).action((options: ChangeOptions) =>
    withKeyTools(options, async ({ lineage }) => {
      const held = await heldIn(lineage);
      terminal.print(heldReport(held));
      if (held.known && held.heldBefore === null) return;
      terminal.print(MEANING);
      await confirmByTyping(terminal, 'word "release"', 'release', options);
      if (!held.known) await lineage.adopt();
      const { heldBefore } = held.known ? held : await lineage.look();
      const tokens = held.known ? total(held) : total(await heldIn(lineage));
      if (heldBefore === null || !(await lineage.release(heldBefore, options.actor)))
        throw refusal('What is held has changed meanwhile. Nothing was released: look again.');
      terminal.print(`Released ${count(tokens, 'token set')}.`);
    }),
  );
}
