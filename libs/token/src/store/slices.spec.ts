import { beforeEach, describe, expect, it } from 'vitest';
import { Clock } from '../common/clock.js';
import { Slices } from './slices.js';
import type { TokenStore } from './token-store.js';

class ManualClock extends Clock {
  now = 0;
  given: string[] = [];
  override monotonic(): number {
    return this.now;
  }
  override async sleep(milliseconds: number): Promise<void> {
    this.given.push('pause');
    this.now += milliseconds;
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
    await work(0.4);
    await work(0.4);
    await work(300);
    await work(0.4);
    expect(clock.given).toEqual(['pause', 'pause', 'turn', 'turn']);
  });
});
