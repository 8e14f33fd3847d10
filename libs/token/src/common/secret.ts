import { inspect } from 'node:util';

const HIDDEN = '[secret]';

/**
 * A string that must not be shown: `value` is the only way to it. It does not appear in `JSON.stringify`,
 * `util.inspect` (at any depth), template strings, spreads or logs.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself. Reading it is what a reviewer searches for. */
  get value(): string {
    return this.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): unknown {
    return HIDDEN;
  }

  [inspect.custom](): unknown {
    return HIDDEN;
  }
}
