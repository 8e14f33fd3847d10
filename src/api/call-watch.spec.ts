import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { apiLimits } from '../config/api-limits.js';
import { ApiFault } from './api.fault.js';
import { CallWatch } from './call-watch.js';

describe('a call', () => {
  let watch: CallWatch;

  beforeEach(() => {
    vi.useFakeTimers();
    watch = new CallWatch(apiLimits.parse({ firstByteSeconds: 10, idleSeconds: 5 }));
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** How many seconds later it has ended. */
  const end = (): number => {
    let seconds = 0;
    for (; !watch.signal.aborted; seconds++) vi.advanceTimersByTime(1000);
    return seconds;
  };

  it('ends when the answer does not begin in time', () => {
    expect(end()).toBe(10);
    expect(watch.signal.reason).toMatchObject({ code: 'API_TIMEOUT', status: 504 });
  });

  it('goes on while its body moves', () => {
    for (let second = 0; second < 30; second += 9) {
      vi.advanceTimersByTime(9000);
      watch.moved();
    }
    expect(end()).toBe(10);
  });

  it('ends when nothing of its answer moves in time, which is another one', () => {
    vi.advanceTimersByTime(9000);
    watch.answered();
    vi.advanceTimersByTime(4000);
    watch.moved();
    expect(end()).toBe(5);
  });

  it('ends for the first reason there is', () => {
    watch.end(new ApiFault(413, 'FIRST', ''));
    watch.end(new ApiFault(504, 'SECOND', ''));
    expect(watch.signal.reason).toMatchObject({ code: 'FIRST' });
  });

  it('that is done leaves no timer behind', () => {
    watch.answered();
    watch.done();
    expect(vi.getTimerCount()).toBe(0);
    expect(watch.signal.aborted).toBe(false);
  });
});
