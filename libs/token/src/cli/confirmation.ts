import { refusal, usageError } from './exit-code.js';
import type { Terminal } from './terminal.js';

export interface ConfirmationOptions {
  yes?: boolean;
}

const CHANGED_NOTHING = 'Nothing was changed.';

/** Asks `Go on? [y/N]`. @throws CommandError unless the answer is yes */
export async function confirm(terminal: Terminal, { yes }: ConfirmationOptions): Promise<void> {
  if (yes) return;
  assertSomebodyThere(terminal);
  const answer = await terminal.ask('Go on? [y/N] ');
  if (!/^y(?:es)?$/i.test(answer)) throw refusal(CHANGED_NOTHING);
}

/** For what cannot be undone: the name of what will be gone has to be typed. @throws CommandError unless it is */
export async function confirmByTyping(
  terminal: Terminal,
  what: string,
  name: string,
  { yes }: ConfirmationOptions,
): Promise<void> {
  if (yes) return;
  assertSomebodyThere(terminal);
  const answer = await terminal.ask(`Type the ${what} to go on: `);
  if (answer !== name) throw refusal(`That is not the ${what}. ${CHANGED_NOTHING}`);
}

/** Without a terminal a question would wait for ever. */
function assertSomebodyThere(terminal: Terminal): void {
  if (!terminal.interactive)
    throw usageError(
      `This command asks before it changes something, and nobody can answer here. Add --yes once you are sure. ${CHANGED_NOTHING}`,
    );
}
