import { setImmediate } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { interceptAsync } from '../../support/rotation/statements.js';

/** Places on the way of a refresh that a replica itself can see: around the statement that claims, and the one that stores. */
export const STEPS = [
  'before the claim',
  'after the claim',
  'before the commit',
  'after the commit',
] as const;
export type Step = (typeof STEPS)[number];

/** What happens to the process there: it is stopped from outside, it ends, or its event loop does nothing else for a while. */
export type Trap =
  | { step: Step; how: 'stop' }
  | { step: Step; how: 'die' }
  | { step: Step; how: 'block'; milliseconds: number };

const CLAIM = /UPDATE .* SET claim_id = (?!NULL)/s;
const COMMIT = /UPDATE .* SET status = 'active', generation/s;

/** Lays traps between the library and its database; each springs once. `tell` resolves when whoever has laid it knows. */
export class Traps {
  #trap: Trap | null = null;

  constructor(
    dataSource: DataSource,
    private readonly tell: (step: Step) => Promise<void>,
  ) {
    interceptAsync(dataSource, async (text, values, run) => {
      const name = CLAIM.test(text) ? 'claim' : COMMIT.test(text) ? 'commit' : null;
      if (name === null) return run(text, values);
      await this.#pass(`before the ${name}`);
      const result = await run(text, values);
      await this.#pass(`after the ${name}`);
      return result;
    });
  }

  lay(trap: Trap): void {
    this.#trap = trap;
  }

  async #pass(step: Step): Promise<void> {
    const trap = this.#trap;
    if (trap?.step !== step) return;
    this.#trap = null;
    await this.tell(step);
    if (trap.how === 'block') block(trap.milliseconds);
    else process.kill(process.pid, trap.how === 'stop' ? 'SIGSTOP' : 'SIGKILL');
    // Nothing more is done before the signal has arrived.
    await setImmediate();
  }
}

/** The event loop does nothing else meanwhile. */
export function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
