const SIZE = 8;

/** Rows that are stored at the same time: a few, and never two for one `ref`, so that the first one wins in every run. */
export function* windows<T extends { ref: object }>(rows: readonly T[]): Generator<T[]> {
  let window = new Map<string, T>();
  for (const row of rows) {
    const ref = JSON.stringify(row.ref);
    if (window.size === SIZE || window.has(ref)) {
      yield [...window.values()];
      window = new Map();
    }
    window.set(ref, row);
  }
  if (window.size > 0) yield [...window.values()];
}
