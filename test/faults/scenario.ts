import type { Stage } from './stage/stage.js';

/** One thing that was counted or measured, and what reliability demands of it. */
export interface Fact {
  what: string;
  seen: string;
  holds: boolean;
  /** A time: it decides in the long form only. */
  timed: boolean;
}

export interface Outcome {
  runs: string;
  facts: Fact[];
}

/** A line of the design document on reliability, or a part of one. */
export interface Scenario {
  line: number;
  name: string;
  expected: string;
  play(stage: Stage): Promise<Outcome>;
}

/** `Size` is what differs between the short form and the long one. */
export const scenario = <Size>(one: {
  line: number;
  name: string;
  expected: string;
  short: Size;
  long: Size;
  play(stage: Stage, size: Size): Promise<Outcome>;
}): Scenario => ({
  line: one.line,
  name: one.name,
  expected: one.expected,
  play: (stage) => one.play(stage, stage.long ? one.long : one.short),
});

export const exactly = (what: string, seen: number, expected = 0): Fact => ({
  what,
  seen: seen === expected ? String(seen) : `${seen} instead of ${expected}`,
  holds: seen === expected,
  timed: false,
});

export const atMost = (what: string, seen: number, limit: number): Fact => ({
  what,
  seen: seen <= limit ? String(seen) : `${seen}, more than ${limit}`,
  holds: seen <= limit,
  timed: false,
});

/** So that a scenario that has not done what it is about does not pass. */
export const atLeast = (what: string, seen: number, limit: number): Fact => ({
  what,
  seen: seen >= limit ? String(seen) : `${seen}, less than ${limit}`,
  holds: seen >= limit,
  timed: false,
});

/** A time in milliseconds that is to stay below a limit. */
export const within = (what: string, milliseconds: number, limit: number): Fact => ({
  what,
  seen: `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`,
  holds: milliseconds <= limit,
  timed: true,
});

/** Things that went wrong, and the first of them in its own words. */
export const none = (what: string, wrong: readonly string[]): Fact => ({
  what,
  seen: wrong.length === 0 ? '0' : `${wrong.length} (${wrong[0]})`,
  holds: wrong.length === 0,
  timed: false,
});

/** What has not held, in words. */
export function misses({ facts }: Outcome, long: boolean): string[] {
  return facts
    .filter(({ holds, timed }) => !holds && (long || !timed))
    .map(({ what, seen }) => `${what}: ${seen}`);
}
