/** Lets so much work go on at once; the rest waits for its turn. */
export class Turns {
  #going = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  /** @throws what the work does */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#going < this.most) this.#going++;
    else await new Promise<void>((begin) => this.#waiting.push(begin));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#going--;
    }
  }
}
