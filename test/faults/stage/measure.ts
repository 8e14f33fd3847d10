/** Milliseconds of a clock that all processes of this machine share, and that nobody sets. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** The value that so large a part of the others does not exceed; 0 where there are none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export const randomOf = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)]!;

export const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Pieces of at most `size`. */
export const chunks = <T>(values: readonly T[], size: number): T[][] =>
  times(Math.ceil(values.length / size), (index) => values.slice(index * size, (index + 1) * size));

/** Does `work` for every value, so many at a time. */
export async function inParallel<T>(
  values: readonly T[],
  atOnce: number,
  work: (value: T) => Promise<unknown>,
): Promise<void> {
  const waiting = [...values];
  const worker = async (): Promise<void> => {
    for (let value = waiting.shift(); value !== undefined; value = waiting.shift()) await work(value);
  };
  await Promise.all(times(atOnce, worker));
}
