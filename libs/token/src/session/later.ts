import type { Clock } from '../common/clock.js';

const AT_ONCE = 500;

/** Work that nobody waits for, done for all ids at once that have come together. */
export class Later {
  readonly #ids = new Set<string>();
  #running: Promise<void> | null = null;

  constructor(
    private readonly clock: Clock,
    /** What fails is left: it comes up again. */
    private readonly work: (ids: string[]) => Promise<void>,
  ) {}

  add(id: string): void {
    this.#ids.add(id);
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when nothing is left to be done. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await this.clock.turn();
    while (this.#ids.size > 0) {
      const ids = [...this.#ids].slice(0, AT_ONCE);
      for (const id of ids) this.#ids.delete(id);
      await this.work(ids).catch(() => undefined);
    }
  }
}
