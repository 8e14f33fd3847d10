import { describe, expect, it } from 'vitest';
import { type Circuit, CLOSED } from '../store/provider-states.js';
import { circuitEntry, secondsUntilProbe, verdictOn } from './circuit.js';
import { burstMs, costMs } from './permits.js';

const NOW = 1_000_000_000;
const open = (more: Partial<Circuit> = {}): Circuit => ({ ...CLOSED, probeAfter: NOW + 5_000, ...more });
const fresh = { failures: 0, circuit: CLOSED };

describe('a provider is asked', () => {
  it.each<[string, Circuit, ReturnType<typeof circuitEntry>]>([
    ['by all while it works', CLOSED, 'open to all'],
    ['by all although some rows have failed', { ...CLOSED, failedRows: 4 }, 'open to all'],
    ['by nobody while it is left alone', open(), 'nobody'],
    ['by nobody while a probe is under way', open({ probing: true }), 'nobody'],
    ['by one when the time has come', open({ probeAfter: NOW }), 'one probe'],
  ])('%s', (_name, circuit, expected) => {
    expect(circuitEntry(circuit, NOW)).toBe(expected);
  });

  it('again after the time that a call is told, and soon where a probe finds out', () => {
    expect(secondsUntilProbe(open(), NOW)).toBe(5);
    expect(secondsUntilProbe(open({ probeAfter: NOW + 65_000, probing: true }), NOW)).toBe(1);
  });
});

describe('a presentation', () => {
  it.each(['refreshed', 'superseded', 'grant_rejected'] as const)(
    'tells that the provider works: %s',
    (outcome) => {
      expect(verdictOn(outcome, null, fresh, 0).failure).toBeNull();
    },
  );

  it.each(['unavailable', 'outcome_unknown', 'client_rejected', 'response_invalid'] as const)(
    'tells that it may be down, once for each row: %s',
    (outcome) => {
      expect(verdictOn(outcome, null, fresh, 0)).toMatchObject({ failure: outcome, weight: 'one' });
      expect(verdictOn(outcome, null, { ...fresh, failures: 1 }, 0).weight).toBe('none');
    },
  );

  it('tells that it wants to be left alone: throttled, or with Retry-After', () => {
    expect(verdictOn('throttled', null, fresh, 0).weight).toBe('opens');
    expect(verdictOn('unavailable', 20, fresh, 0)).toMatchObject({ weight: 'opens', pauseMs: 20_000 });
  });

  it('lets it be asked later and later, up to about a minute, and never before it wishes', () => {
    const pause = (failedProbes: number, random: number, retryAfter: number | null = null): number =>
      verdictOn('unavailable', retryAfter, { failures: 0, circuit: { ...CLOSED, failedProbes } }, random)
        .pauseMs;
    expect(pause(0, 1)).toBe(5_000);
    expect(pause(3, 1)).toBe(33_000);
    expect(pause(50, 1)).toBe(65_000);
    expect(pause(50, 0)).toBe(1_000);
    expect(pause(0, 0, 600)).toBe(600_000);
  });
});

describe('a bucket', () => {
  it.each([0.01, 0.5, 1, 3, 10, 300, 1000])('of %s a second lets no second see twice as many', (rate) => {
    // As the statement has it: what is taken may run ahead of the clock by the burst.
    let until = 0;
    const granted: number[] = [];
    const cost = costMs(rate, 1);
    const step = rate < 1 ? 1000 : 1;
    for (let now = 0; now < 5_000 / Math.min(1, rate); now += step)
      while (until <= now + burstMs(rate) - cost) {
        until = Math.max(now, until) + cost;
        granted.push(now);
      }
    const window = 1000 * Math.max(1, 1 / rate);
    const peak = Math.max(...granted.map((at) => granted.filter((g) => g >= at && g < at + window).length));
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThanOrEqual(Math.max(2, 2 * rate));
  });
});
