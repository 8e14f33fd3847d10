/**
 * A point in time by two clocks, in milliseconds, because neither can be trusted alone: `performance.now()` stands still
 * while some machines sleep, and `Date.now()` jumps when the clock is set.
 */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

/**
 * Seconds that have passed, by the clock that says more. A sleep shows on the wall clock, a wall clock that was set back
 * on the monotonic one. One that was set forward makes a token look older than it is, which costs a request.
 */
export const secondsBetween = (from: Moment, to: Moment): number =>
  Math.max(to.monotonic - from.monotonic, to.wall - from.wall) / 1000;
