import { hashOf, type Oracle } from '@tokenward/nestjs/testing';
import { monotonicMs } from './measure.js';

/** A refresh token was used up, and another one issued in its place. */
export interface Rotation {
  grantId: string;
  fromHash: string;
  toHash: string;
  /** `monotonicMs` */
  at: number;
}

/** What the provider's own log does not tell: when it has rotated, and what into what. */
export class Ledger {
  readonly rotations: Rotation[] = [];
  #consumed: { hash: string; at: number } | null = null;
  readonly #grants = new Map<string, string>();
  readonly #usedUp = new Set<string>();

  constructor(oracle: Oracle) {
    const consume = oracle.consume.bind(oracle);
    const issue = oracle.issue.bind(oracle);
    oracle.consume = (value) => {
      this.#consumed = { hash: hashOf(value), at: monotonicMs() };
      this.#usedUp.add(value);
      consume(value);
    };
    oracle.issue = (value, grantId) => {
      if (grantId !== undefined) this.#note(hashOf(value), grantId);
      issue(value, grantId);
    };
  }

  /** By which log-in this refresh token was given, at first or after any number of rotations. */
  grantOf(refreshToken: string): string | undefined {
    return this.#grants.get(hashOf(refreshToken));
  }

  isUsedUp(refreshToken: string): boolean {
    return this.#usedUp.has(refreshToken);
  }

  #note(toHash: string, grantId: string): void {
    this.#grants.set(toHash, grantId);
    if (this.#consumed !== null)
      this.rotations.push({ grantId, fromHash: this.#consumed.hash, toHash, at: this.#consumed.at });
    this.#consumed = null;
  }
}
