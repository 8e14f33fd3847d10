import { describe, expect, it } from 'vitest';
import { FixedClock } from './fixed-clock.js';

describe('A fixed clock', () => {
  it('stands still until it is advanced', async () => {
    const clock = new FixedClock(1_000);
    const begin = clock.monotonic();
    await clock.turn();
    expect([clock.monotonic(), clock.now()]).toEqual([begin, 1_000]);
    await clock.advance(250);
    expect([clock.monotonic(), clock.now()]).toEqual([begin + 250, 1_250]);
  });

  it('wakes sleepers in the order of their times, each at its own, and leaves the rest asleep', async () => {
    const clock = new FixedClock(0);
    const woken: [string, number][] = [];
    const sleep = async (name: string, milliseconds: number): Promise<void> => {
      await clock.sleep(milliseconds);
      woken.push([name, clock.now()]);
    };
    void sleep('late', 300);
    void sleep('early', 100);
    void sleep('middle', 200);
    expect(clock.sleeping).toBe(3);
    await clock.advance(200);
    expect(woken).toEqual([
      ['early', 100],
      ['middle', 200],
    ]);
    expect(clock.sleeping).toBe(1);
    await clock.advance(100);
    expect(woken.at(-1)).toEqual(['late', 300]);
  });

  it('carries who goes to sleep again and again through one advance', async () => {
    const clock = new FixedClock(0);
    let rounds = 0;
    const work = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(1_000);
        rounds += 1;
      }
    };
    void work();
    await clock.advance(10_500);
    expect([rounds, clock.now()]).toEqual([10, 10_500]);
  });

  it('lets nobody wait who need not', async () => {
    const clock = new FixedClock();
    await clock.sleep(0);
    expect(clock.sleeping).toBe(0);
  });

  it.each([-1, Number.NaN, Infinity])('does not advance by %s', async (milliseconds) => {
    await expect(new FixedClock().advance(milliseconds)).rejects.toMatchObject({
      field: 'milliseconds',
      code: 'INPUT_INVALID',
    });
  });
});
