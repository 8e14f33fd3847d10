/** Joins concurrent work on one key: the first call runs it, the others get the same promise. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  run(key: string, work: () => Promise<T>): Promise<T> {
    const flight = this.#flights.get(key);
    if (flight) return flight;
    const started = work().finally(() => this.#flights.delete(key));
    this.#flights.set(key, started);
    return started;
  }

  /** Resolves when all that is in flight now has ended; failures are the callers' business. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#flights.values());
  }
}
