/** The invariants of docs/refresh.md. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8';

export class Violation extends Error {
  constructor(
    readonly invariant: Invariant,
    what: string,
  ) {
    super(`${invariant}: ${what}`);
  }
}
