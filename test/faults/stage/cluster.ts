import type { Crew, Replica } from './crew.js';
import { monotonicMs, randomOf, times } from './measure.js';
import type { Orders, Report } from './replica.process.js';
import type { Step } from './traps.js';
import { until } from './wait.js';

export type RefreshReport = Extract<Report, { type: 'refresh' }> & { slot: number };

/** Replicas behind a load balancer. A slot is empty while nobody serves there. */
export class Cluster {
  readonly refreshes: RefreshReport[] = [];
  readonly #slots: (Replica | null)[];
  readonly #steps: (Step | null)[];
  readonly #stopped = new Set<Replica>();

  constructor(
    private readonly crew: Crew,
    size: number,
    private readonly ordersOf: (slot: number) => Orders,
  ) {
    this.#slots = times(size, () => null);
    this.#steps = times(size, () => null);
  }

  /** Fills every empty slot. */
  async fill(): Promise<void> {
    await Promise.all(this.#slots.map(async (replica, slot) => replica ?? this.begin(slot)));
  }

  async begin(slot: number): Promise<Replica> {
    const replica = await this.crew.take(this.ordersOf(slot), (report) => this.#note(slot, report));
    this.#slots[slot] = replica;
    return replica;
  }

  /** Everybody ends, and begins anew after what is done meanwhile. */
  async restart(meanwhile: () => Promise<void> = async () => undefined): Promise<void> {
    await this.end();
    this.#slots.fill(null);
    await meanwhile();
    await this.fill();
  }

  get size(): number {
    return this.#slots.length;
  }

  get replicas(): Replica[] {
    return this.#slots.filter((replica) => replica !== null);
  }

  at(slot: number): Replica {
    return this.#slots[slot]!;
  }

  slotOf(replica: Replica): number {
    return this.#slots.indexOf(replica);
  }

  any(): Replica {
    return randomOf(this.replicas);
  }

  /** Nobody is sent to this slot any more; who is there finishes what it has. */
  vacate(slot: number): Replica {
    const replica = this.at(slot);
    this.#slots[slot] = null;
    return replica;
  }

  /** `kill -9`. When, by `monotonicMs`. */
  async kill(slot: number): Promise<number> {
    const replica = this.vacate(slot);
    const at = monotonicMs();
    await replica.kill();
    return at;
  }

  stop(slot: number): void {
    const replica = this.at(slot);
    this.#stopped.add(replica);
    replica.stop();
  }

  /** Lets go on whoever was stopped, by us or by its own trap. */
  goOn(slot: number): void {
    const replica = this.at(slot);
    this.#stopped.delete(replica);
    replica.resume();
  }

  /** Resolves when the replica has come to that step of its next refresh. */
  async reached(slot: number, step: Step): Promise<void> {
    await until(() => this.#steps[slot] === step, `a replica came to the step "${step}"`, 60_000);
    this.#steps[slot] = null;
  }

  async end(): Promise<void> {
    for (const replica of this.#stopped) replica.resume();
    const replicas = this.replicas.filter(({ isAlive }) => isAlive);
    await Promise.all(replicas.map((replica) => this.crew.giveBack(replica)));
  }

  #note(slot: number, report: Report): void {
    if (report.type === 'step') this.#steps[slot] = report.step;
    else this.refreshes.push({ ...report, slot });
  }
}
