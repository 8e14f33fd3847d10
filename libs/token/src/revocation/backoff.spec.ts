import { describe, expect, it } from 'vitest';
import { retryInMs } from './backoff.js';

describe('the back-off of a revocation', () => {
  it('doubles its ceiling from half a minute to an hour', () => {
    const ceilings = [1, 2, 3, 7, 8, 9, 1000].map((attempts) => retryInMs(attempts, null, 1));
    expect(ceilings).toEqual([30_000, 60_000, 120_000, 1_920_000, 3_600_000, 3_600_000, 3_600_000]);
  });

  it('may be anything below the ceiling, but for the first second', () => {
    expect(retryInMs(5, null, 0)).toBe(1_000);
    expect(retryInMs(5, null, 0.5)).toBe(240_000);
  });

  it('is at least what the provider wishes, and that is at most a day', () => {
    expect(retryInMs(1, 90, 1)).toBe(90_000);
    expect(retryInMs(4, 90, 1)).toBe(240_000);
    expect(retryInMs(1, 1e9, 0)).toBe(86_400_000);
  });
});
