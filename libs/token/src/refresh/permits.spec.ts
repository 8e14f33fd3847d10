import { describe, expect, it } from 'vitest';
import type { ProviderStates } from '../store/provider-states.js';
import { FixedClock } from '../testing/fixed-clock.js';
import { Permits } from './permits.js';

const RATE = 10;
const BATCH_MS = 200;

describe('A call at a rationed provider', () => {
  it('whose place in the queue comes up in more than a second is turned away at once, and told when that is', async () => {
    const clock = new FixedClock();
    let freeAt = clock.monotonic() + BATCH_MS;
    const states = {
      takePermits: async (_provider: string, costMs: number) => {
        const waitMs = Math.max(0, freeAt - clock.monotonic());
        if (waitMs === 0) freeAt += costMs;
        return waitMs;
      },
    } as unknown as ProviderStates;
    const permits = new Permits(states, clock);
    const answers: number[] = [];
    const calls = Array.from({ length: 50 }, async () => {
      const waitMs = await permits.take('acme', RATE);
      answers.push(waitMs);
    });
    await expect.poll(() => clock.sleeping).toBe(1);
    expect(answers).toHaveLength(40);
    expect(Math.min(...answers)).toBeGreaterThan(1_000);
    expect(Math.max(...answers)).toBe(BATCH_MS + 48 * 100);
    answers.length = 0;
    await clock.advance(1_000);
    await Promise.all(calls);
    expect(answers).toEqual(Array.from({ length: 10 }, () => 0));
  });
});
