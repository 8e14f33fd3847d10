interface Moment {
  at: number;
  order: number;
  run: () => void;
}

/** Virtual time in milliseconds: what is due first happens first, and nothing happens in between. */
export class Timeline {
  now = 0;
  #order = 0;
  readonly #moments: Moment[] = [];

  after(milliseconds: number, run: () => void): void {
    this.#moments.push({ at: this.now + milliseconds, order: this.#order++, run });
  }

  /** @throws where the moments do not end: something keeps asking without getting anywhere */
  runToEnd(limit: number): void {
    for (let count = 0; this.#moments.length > 0; count++) {
      if (count === limit) throw new Error(`the run does not come to its end within ${limit} steps`);
      const { at, run } = this.#takeFirst();
      this.now = Math.max(this.now, at);
      run();
    }
  }

  #takeFirst(): Moment {
    const moments = this.#moments;
    let first = 0;
    for (let index = 1; index < moments.length; index++) {
      const [a, b] = [moments[index]!, moments[first]!];
      if (a.at < b.at || (a.at === b.at && a.order < b.order)) first = index;
    }
    const taken = moments[first]!;
    const last = moments.pop()!;
    if (taken !== last) moments[first] = last;
    return taken;
  }
}
