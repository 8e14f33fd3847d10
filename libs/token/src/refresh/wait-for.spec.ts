import { describe, expect, it, vi } from 'vitest';
import { waitFor } from './wait-for.js';

describe('waiting', () => {
  it('does not begin what nobody waits for: its failure would be nobody’s', async () => {
    const start = vi.fn<() => Promise<never>>(() => Promise.reject(new Error('unhandled')));
    await expect(waitFor(start, AbortSignal.abort())).rejects.toThrow(/abort/i);
    expect(start).not.toHaveBeenCalled();
  });

  it('ends with the signal while the work goes on', async () => {
    let finish!: (value: string) => void;
    const work = new Promise<string>((resolve) => (finish = resolve));
    const stop = new AbortController();
    const waiting = waitFor(() => work, stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    finish('done');
    await expect(work).resolves.toBe('done');
  });
});
