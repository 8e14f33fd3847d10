import { register } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SystemClock } from '../common/clock.js';
import { CountedGauges } from './counted-gauges.js';

/** Rows by status, as the next counts give them. */
type Answer = Promise<Record<string, number>>;

describe('What is counted in the whole database', () => {
  let count: ReturnType<typeof vi.fn<() => Answer>>;
  let gauges: CountedGauges;
  beforeEach(() => {
    vi.useFakeTimers();
    count = vi.fn<() => Answer>();
    const none = async (): Promise<object> => ({});
    const reports = { countRows: async () => ({ rows: 0, quarantinedRows: 0 }), countByState: none };
    const others = [
      reports,
      { countByProvider: none },
      { countHeld: none },
      { countLive: async () => 3 },
      new SystemClock(),
    ];
    gauges = new CountedGauges(
      ...([{ countByStatus: count }, ...others] as unknown as ConstructorParameters<typeof CountedGauges>),
    );
  });
  afterEach(() => {
    gauges.onModuleDestroy();
    vi.useRealTimers();
  });

  const slowly = (milliseconds: number, active: number) => (): Answer =>
    new Promise((resolve) => setTimeout(() => resolve({ active }), milliseconds));
  /** Lines of the scrape, which takes as long as it takes. */
  const scrape = async (): Promise<string> => {
    const text = register.metrics();
    await vi.advanceTimersByTimeAsync(4_000);
    return (await text).replaceAll(/^#.*\n/gm, '');
  };
  const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1000);

  it('is counted once for all gauges, and again after half a minute', async () => {
    count.mockImplementation(async () => ({ active: count.mock.calls.length }));
    expect(await scrape()).toContain('tokenward_tokens{status="active"} 1\n');
    expect(await scrape()).toContain('tokenward_sessions 3\n');
    expect(count).toHaveBeenCalledTimes(1);
    await pass(30);
    expect(await scrape()).toContain('tokenward_tokens{status="active"} 2\n');
  });

  it('is shown by the scrape after one that a slow database has let go without it, and one count runs at a time', async () => {
    count.mockImplementation(slowly(12_000, 1));
    expect(await scrape()).not.toContain('tokenward_tokens{');
    expect(await scrape()).not.toContain('tokenward_tokens{');
    expect(count).toHaveBeenCalledTimes(1);
    await pass(60);
    count.mockImplementation(slowly(12_000, 2));
    expect(await scrape()).toContain('tokenward_tokens{status="active"} 1\n');
    await pass(60);
    expect(await scrape()).toContain('tokenward_tokens{status="active"} 2\n');
  });

  it('is not shown when the database does not answer, or not for minutes', async () => {
    count.mockResolvedValueOnce({ active: 1 });
    await scrape();
    count.mockRejectedValueOnce(new Error('away'));
    await pass(30);
    expect(await scrape()).not.toMatch(/tokenward_(?:tokens|sessions)/);
    count.mockResolvedValueOnce({ active: 2 });
    expect(await scrape()).toContain('tokenward_tokens{status="active"} 2\n');
    count.mockReturnValueOnce(new Promise(() => undefined));
    await pass(30);
    expect(await scrape()).toContain('tokenward_tokens{status="active"} 2\n');
    await pass(300);
    expect(await scrape()).not.toMatch(/tokenward_(?:tokens|sessions)/);
  });
});
