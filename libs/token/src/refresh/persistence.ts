import type { Clock } from '../common/clock.js';

const ATTEMPTS = 300;

/**
 * Repeats a write until the database takes it, for about ten minutes: what a provider has said once cannot be asked for
 * again. The process stays alive meanwhile. @throws the last error
 */
export async function persist<T>(clock: Clock, write: () => Promise<T>, attempts = ATTEMPTS): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (attempt === attempts) throw error;
      await clock.sleep(Math.min(2_000, 50 * 2 ** Math.min(attempt, 6)));
    }
  }
}
