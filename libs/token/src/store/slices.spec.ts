import { beforeEach, describe, expect, it } from 'vitest';
import { Clock } from '../common/clock.js';
import { Slices } from './slices.js';
import type { TokenStore } from './token-store.js';

class ManualClock extends Clock {
  now = 0;
  given: string[] = [];
  worked = 0;
  rested = 0;
  /** Of every sleep. */
  lateness = 0;
  override monotonic(): number {
    return this.now;
  }
  override async sleep(milliseconds: number): Promise<void> {
    this.given.push('pause');
    this.now += milliseconds + this.lateness;
    this.rested += milliseconds + this.lateness;
  }
  override async turn(): Promise<void> {
    this.given.push('turn');
  }
}

describe('Re-encryption, between two rows,', () => {
  let clock: ManualClock;
  let store: { opened: number };
  let slices: Slices;
  const work = async (milliseconds: number): Promise<void> => {
    clock.now += milliseconds;
    clock.worked += milliseconds;
    await slices.giveWay();
  };
  beforeEach(() => {
    clock = new ManualClock();
    store = { opened: 7 };
    slices = new Slices(clock, store as TokenStore);
  });

  it('goes on while its slice lasts', async () => {
    await work(0.2);
    expect(clock.given).toEqual([]);
  });

  it('lets the event loop turn after each slice', async () => {
    await work(0.2);
    await work(0.2);
    await work(0.2);
    await work(0.2);
    expect(clock.given).toEqual(['turn', 'turn']);
  });

  it('leaves the processor to those who read tokens, until they have stopped', async () => {
    store.opened++;
    for (let piece = 0; piece < 5; piece++) await work(0.4);
    expect(clock.given).toEqual(['pause', 'pause', 'pause', 'pause', 'pause']);
    await work(300);
    await work(0.4);
    expect(clock.given.slice(5)).toEqual(['turn', 'turn']);
  });

  it('does not starve where a rest takes longer than it should', async () => {
    clock.lateness = 7;
    for (let piece = 0; piece < 40; piece++) {
      store.opened++;
      await work(0.4);
    }
    expect(clock.worked).toBeGreaterThan(clock.rested / 3);
  });
});
