import type { DataSource, QueryRunner } from 'typeorm';

/**
 * Makes single statements of one DataSource fail: `before` as if the database had not been reached, `after` as if it had
 * done its work and its answer had been lost.
 */
export class DatabaseFaults {
  readonly #faults: { pattern: RegExp; when: 'before' | 'after' }[] = [];
  readonly #holds: { pattern: RegExp; reach: () => void; released: Promise<void> }[] = [];

  constructor(dataSource: DataSource) {
    const create = dataSource.createQueryRunner.bind(dataSource);
    dataSource.createQueryRunner = (mode) => this.around(create(mode));
  }

  /** The next statement that matches fails. */
  fail(pattern: RegExp, when: 'before' | 'after'): void {
    this.#faults.push({ pattern, when });
  }

  /** The next statement that matches waits until the returned function is called; `reached` resolves when it has come so far. */
  hold(pattern: RegExp): { reached: Promise<void>; release: () => void } {
    let release!: () => void;
    let reach!: () => void;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    this.#holds.push({ pattern, reach, released });
    return { reached, release };
  }

  private around(runner: QueryRunner): QueryRunner {
    const query = runner.query.bind(runner) as (...args: unknown[]) => Promise<unknown>;
    const faulty = async (text: string, ...rest: unknown[]): Promise<unknown> => {
      const held = this.#holds.findIndex(({ pattern }) => pattern.test(text));
      if (held >= 0) {
        const [hold] = this.#holds.splice(held, 1);
        hold!.reach();
        await hold!.released;
      }
      const index = this.#faults.findIndex(({ pattern }) => pattern.test(text));
      const [fault] = index < 0 ? [] : this.#faults.splice(index, 1);
      if (fault?.when === 'before') throw new Error('connection terminated');
      const result = await query(text, ...rest);
      if (fault) throw new Error('connection terminated');
      return result;
    };
    // SQLite hands out one runner again and again: wrap a view of it, not the runner itself.
    return new Proxy(runner, {
      get: (target, name) => (name === 'query' ? faulty : bound(target, Reflect.get(target, name, target))),
    });
  }
}

function bound(target: object, value: unknown): unknown {
  return typeof value === 'function' ? (value.bind(target) as unknown) : value;
}
