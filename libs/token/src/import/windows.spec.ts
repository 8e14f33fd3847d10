import { describe, expect, it } from 'vitest';
import { windows } from './windows.js';

const row = (id: number, userId: string) => ({ id, ref: { userId, provider: 'acme' } });
const ids = (rows: ReturnType<typeof row>[]): number[][] =>
  [...windows(rows)].map((window) => window.map(({ id }) => id));

describe('rows that are stored at the same time', () => {
  it('are eight at most, in their order', () => {
    const rows = Array.from({ length: 18 }, (_, index) => row(index, `user-${index}`));
    expect(ids(rows)).toEqual([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [8, 9, 10, 11, 12, 13, 14, 15],
      [16, 17],
    ]);
    expect(ids([])).toEqual([]);
  });

  it('are never two for one user', () => {
    expect(ids([row(1, 'ada'), row(2, 'eve'), row(3, 'ada'), row(4, 'ada')])).toEqual([[1, 2], [3], [4]]);
  });
});
