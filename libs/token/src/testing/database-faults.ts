import { randomFraction } from '../crypto/random.js';

type Query = (...args: unknown[]) => Promise<unknown>;

/** As much of TypeORM's `DataSource` as is needed here. */
export interface FaultyDataSource {
  createQueryRunner(mode?: 'master' | 'slave'): object;
  readonly driver: object;
}

/** A statement that is kept waiting. */
export interface HeldStatement {
  /** Resolves when the statement has come so far. */
  reached: Promise<void>;
  release: () => void;
}

const LOST = 'connection terminated';

/**
 * Makes single statements of one DataSource fail: `before` as if the database had not been reached, `after` as if it had
 * done its work and its answer had been lost. Transactions as such (`BEGIN`, `COMMIT`) and, on SQLite, the statements
 * within the library's own transactions pass untouched.
 */
export class DatabaseFaults {
  #faults: { pattern: RegExp; when: 'before' | 'after' }[] = [];
  #holds: { pattern: RegExp; reach: () => void; released: Promise<void> }[] = [];
  #releases: (() => void)[] = [];
  #share = 0;

  constructor(dataSource: FaultyDataSource) {
    const create = dataSource.createQueryRunner.bind(dataSource);
    // SQLite hands out one runner again and again: a view of it, not the runner itself, is changed.
    dataSource.createQueryRunner = (mode) => this.#around(create(mode));
    // On PostgreSQL the library's most frequent read goes to the driver's pool.
    const pool = (dataSource.driver as { master?: { query?: Query } }).master;
    if (typeof pool?.query === 'function') pool.query = this.#faulty(pool.query.bind(pool));
  }

  /** The next statement that matches fails. */
  fail(pattern: RegExp, when: 'before' | 'after'): void {
    this.#faults.push({ pattern, when });
  }

  /** The next statement that matches waits until `release` is called. */
  hold(pattern: RegExp): HeldStatement {
    let release!: () => void;
    let reach!: () => void;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    this.#holds.push({ pattern, reach, released });
    this.#releases.push(release);
    return { reached, release };
  }

  /**
   * From now on this share of all statements fails, by chance half of them before and half after the database has done
   * its work. 0 to 1; 0 ends it.
   */
  failAtRandom(share: number): void {
    if (!(share >= 0 && share <= 1)) throw new RangeError(`a share is a number from 0 to 1, not ${share}`);
    this.#share = share;
  }

  /** From now on the database behaves, and what is held goes on. */
  clear(): void {
    this.#share = 0;
    for (const release of this.#releases) release();
    this.#faults = [];
    this.#holds = [];
    this.#releases = [];
  }

  #faulty(query: Query): Query {
    return async (statement, ...rest) => {
      const text =
        typeof statement === 'string' ? statement : ((statement as { text?: string } | null)?.text ?? '');
      const held = this.#holds.find(({ pattern }) => text.search(pattern) >= 0);
      if (held) {
        this.#holds.splice(this.#holds.indexOf(held), 1);
        held.reach();
        await held.released;
      }
      const when = this.#faultOf(text);
      if (when === 'before') throw new Error(LOST);
      const result = await query(statement, ...rest);
      if (when === 'after') throw new Error(LOST);
      return result;
    };
  }

  #faultOf(text: string): 'before' | 'after' | null {
    const fault = this.#faults.find(({ pattern }) => text.search(pattern) >= 0);
    if (fault) this.#faults.splice(this.#faults.indexOf(fault), 1);
    if (fault) return fault.when;
    if (randomFraction() >= this.#share) return null;
    return randomFraction() < 0.5 ? 'before' : 'after';
  }

  #around(runner: object): object {
    const query = this.#faulty((runner as { query: Query }).query.bind(runner));
    return new Proxy(runner, {
      get(target, name) {
        const value: unknown = name === 'query' ? query : Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}
