import { describe, expect, it } from 'vitest';
import { foreignOrigin } from './egress.js';

describe('a redirect', () => {
  it.each([
    ['http://[::1]:8080/a', { protocol: 'http:', hostname: '::1', port: '8080' }, null],
    ['http://[::1]:8080/a', { protocol: 'http:', hostname: '[::1]', port: 8080 }, null],
    ['https://api.example.com/a', { protocol: 'https:', hostname: 'api.example.com', port: '' }, null],
    [
      'https://api.example.com/a',
      { protocol: 'http:', hostname: 'api.example.com' },
      'http://api.example.com',
    ],
    [
      'https://api.example.com/a',
      { protocol: 'https:', hostname: 'api.example.com', port: 444 },
      'https://api.example.com:444',
    ],
    ['https://api.example.com/a', { protocol: 'https:', hostname: 'example.com' }, 'https://example.com'],
  ])('of %s to %j leads away to %s', (from, to, foreign) => {
    expect(foreignOrigin(to, new URL(from))).toBe(foreign);
  });
});
