import { setTimeout as pause } from 'node:timers/promises';

export { pause };

const POLL_MS = 10;

/** @throws an error that says what was waited for in vain */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 120_000,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await pause(POLL_MS);
  }
}
