import { Member } from '../../support/rotation/member.js';
import type { Methods, Orders, Report } from './replica.process.js';

export { KilledError, RemoteError } from '../../support/rotation/member.js';

export type Replica = Member<Methods, Orders, Report>;

/** Processes with the code loaded, which takes the better part of a second. Whoever survives a scenario plays in the next one. */
export class Crew {
  readonly #idle: Replica[] = [];

  constructor(private readonly file: string) {}

  /** Has so many ready. */
  enlist(count: number): void {
    while (this.#idle.length < count) this.#idle.push(this.#recruit());
  }

  async take(orders: Orders, onReport: (report: Report) => void): Promise<Replica> {
    const replica = this.#idle.shift() ?? this.#recruit();
    return replica.begin(orders, onReport);
  }

  async giveBack(replica: Replica): Promise<void> {
    await replica.call('end');
    this.#idle.push(replica);
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((replica) => replica.dismiss()));
  }

  #recruit(): Replica {
    return new Member<Methods, Orders, Report>(this.file);
  }
}
