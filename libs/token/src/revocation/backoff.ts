const FIRST_MS = 30_000;
const LONGEST_MS = 3_600_000;
const LEAST_MS = 1_000;
const LONGEST_WISH_SECONDS = 86_400;

/**
 * When to try again after `attempts` tries: full jitter below a ceiling that doubles from 30 seconds to an hour; a
 * provider's own wish is a lower bound, of at most a day. Pure but for `random`, from 0 to 1.
 */
export function retryInMs(attempts: number, retryAfterSeconds: number | null, random: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 10));
  const wish = Math.min(retryAfterSeconds ?? 0, LONGEST_WISH_SECONDS) * 1000;
  return Math.max(LEAST_MS, wish, Math.round(random * ceiling));
}
