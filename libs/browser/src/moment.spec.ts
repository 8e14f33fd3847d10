import { expect, it } from 'vitest';
import { secondsBetween } from './moment.js';

const start = { monotonic: 5000, wall: 1_000_000 };

it.each([
  ['time passes', { monotonic: 65_000, wall: 1_060_000 }, 60],
  ['the machine sleeps and the monotonic clock stands still', { monotonic: 5000, wall: 1_060_000 }, 60],
  ['the clock is set back', { monotonic: 65_000, wall: 0 }, 60],
  ['the clock is set forward: sooner is safer', { monotonic: 65_000, wall: 9_000_000 }, 8000],
])('%s', (_what, now, seconds) => {
  expect(secondsBetween(start, now)).toBe(seconds);
});
