import { describe, expect, it } from 'vitest';
import { count, instant, section, table } from './format.js';

describe('a table', () => {
  it('has columns as wide as their widest cell, and numbers to the right', () => {
    const rows = [
      ['default', 12_345, 'yes'],
      ['a', 7, '-'],
    ];
    expect(table(['TENANT', 'ROWS', 'OPENS HERE'], rows)).toBe(
      ['TENANT     ROWS  OPENS HERE', 'default  12,345  yes', 'a             7  -'].join('\n'),
    );
  });

  it('stands under its heading', () => {
    expect(section('Replicas', 'ID\n\nb')).toBe('Replicas\n  ID\n\n  b');
  });
});

describe('what people read', () => {
  it('names the time zone', () => {
    expect(instant(new Date('2026-11-23T21:06:12.345Z'))).toBe('2026-11-23 21:06:12 UTC');
  });

  it('is in the singular for one', () => {
    expect([count(1, 'row'), count(0, 'row'), count(1_000_000, 'row')]).toEqual([
      '1 row',
      '0 rows',
      '1,000,000 rows',
    ]);
  });
});
