import type { Case } from './measure.js';

/** One row of the table: ours against a yardstick, in the same run. */
export interface Suite {
  id: string;
  what: string;
  /** How many times the yardstick's rate ours should reach. */
  target: number;
  callers: number;
  ours: Case;
  against: Case;
}
