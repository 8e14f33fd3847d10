import { describe, expect, it } from 'vitest';
import { atMost } from './at-most.js';

describe('waiting for a disk', () => {
  it('gives its answer', async () => {
    expect(await atMost(60_000, Promise.resolve('written'), 'late')).toBe('written');
  });

  it('goes on without it where it hangs', async () => {
    expect(await atMost(1, new Promise<string>(() => undefined), 'late')).toBe('late');
  });

  it('passes a failure on', async () => {
    await expect(atMost(60_000, Promise.reject(new Error('full')), null)).rejects.toThrow('full');
  });
});
