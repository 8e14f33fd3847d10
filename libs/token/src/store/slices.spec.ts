import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Clock } from '../common/clock.js';
import { TokenEvents } from '../common/events.js';
import { Slices } from './slices.js';

class ManualClock extends Clock {
  now = 0;
  given: string[] = [];
  worked = 0;
  rested = 0;
  /** Of every rest and turn. */
  lateness = 0;
  override monotonic(): number {
    return this.now;
  }
  override sleep(): Promise<void> {
    throw new Error('it would sleep for as long as a test lets no time pass');
  }
  override async rest(milliseconds: number): Promise<void> {
    this.given.push('rest');
    this.now += milliseconds + this.lateness;
    this.rested += milliseconds + this.lateness;
  }
  override async turn(): Promise<void> {
    this.given.push('turn');
    this.now += this.lateness;
  }
}

describe('Re-encryption, between two rows,', () => {
  let clock: ManualClock;
  let events: TokenEvents;
  let slices: Slices;
  const read = (): void => events.emit({ type: 'token_read', source: 'cache' });
  const work = async (milliseconds: number): Promise<void> => {
    clock.now += milliseconds;
    clock.worked += milliseconds;
    await slices.giveWay();
  };
  beforeEach(() => {
    clock = new ManualClock();
    events = new TokenEvents();
    slices = new Slices(clock, events);
  });
  afterEach(() => slices.end());

  it('goes on while its slice lasts', async () => {
    await work(0.2);
    expect(clock.given).toEqual([]);
  });

  it('lets the event loop turn after each slice', async () => {
    for (let piece = 0; piece < 4; piece++) await work(0.2);
    expect(clock.given).toEqual(['turn', 'turn']);
  });

  it('leaves the processor to those who are given tokens, until they have stopped', async () => {
    read();
    for (let piece = 0; piece < 3; piece++) await work(0.4);
    expect(clock.given).toEqual(['rest', 'rest', 'rest']);
    await work(300);
    await work(0.4);
    expect(clock.given.slice(3)).toEqual(['turn', 'turn']);
  });

  it('knows that somebody is given tokens, from the first one on and until they have stopped', async () => {
    expect(slices.hasReaders).toBe(false);
    read();
    expect(slices.hasReaders).toBe(true);
    await work(0.4);
    expect(slices.hasReaders).toBe(true);
    await work(300);
    expect(slices.hasReaders).toBe(false);
  });

  it('takes no notice of what only jobs do', async () => {
    events.emit({ type: 'job_run', job: 'refresh_ahead', outcome: 'succeeded', processed: 1 });
    await work(0.4);
    expect(clock.given).toEqual(['turn']);
  });

  it.each([0, 7])(
    'does not starve where rests and turns take %d ms longer than they should',
    async (late) => {
      clock.lateness = late;
      for (let piece = 0; piece < 400; piece++) {
        read();
        await work(0.4);
      }
      expect(clock.worked).toBeGreaterThan(clock.rested / 3.01);
    },
  );
});
