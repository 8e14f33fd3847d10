import type { Clock } from '../common/clock.js';
import { waitFor } from './wait-for.js';

const ATTEMPTS = 300;
/** A database that has not answered for so long is in trouble: a connection that is half open fails after minutes. */
const TROUBLE_MS = 1_000;

export interface Persistence {
  attempts?: number;
  /** Ends the attempts, also one that has no answer yet. */
  until?: AbortSignal;
  /** Called when an attempt has failed or takes long; the next attempt waits for it. Never fails. */
  onTrouble?: () => Promise<unknown>;
}

/**
 * Repeats a write until the database takes it, for about ten minutes: what a provider has said once cannot be asked for
 * again. The process stays alive meanwhile. @throws the last error, or the reason of `until`
 */
export async function persist<T>(
  clock: Clock,
  write: () => Promise<T>,
  { attempts = ATTEMPTS, until, onTrouble }: Persistence = {},
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const slow = setTimeout(() => void onTrouble?.(), TROUBLE_MS).unref();
    try {
      return await waitFor(write, until);
    } catch (error) {
      await onTrouble?.();
      if (attempt === attempts || until?.aborted) throw error;
      const pause = Math.min(2_000, 50 * 2 ** Math.min(attempt, 6));
      await waitFor(() => clock.sleep(pause), until);
    } finally {
      clearTimeout(slow);
    }
  }
}
