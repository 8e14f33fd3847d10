import { describe, expect, it } from 'vitest';
import { SystemClock } from './clock.js';

describe('waiting by the clock', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

  it('keeps the process alive, so that what is being persisted is not lost', async () => {
    const before = timers();
    const waiting = new SystemClock().sleep(20);
    expect(timers()).toBe(before + 1);
    await waiting;
  });

  it('lets the process end where it is told so', () => {
    const before = timers();
    void new SystemClock().sleep(1, false);
    expect(timers()).toBe(before);
  });
});
