import { setImmediate, setTimeout as delay } from 'node:timers/promises';

/**
 * The only source of time in this library. Instants that are stored or compared with stored ones come from the
 * database's clock instead, so that replicas with different clocks agree.
 */
export abstract class Clock {
  /** Milliseconds that only ever grow; for durations and cache lifetimes, never for instants. */
  abstract monotonic(): number;
  /** Epoch milliseconds of this machine, for showing an instant, also to a server; nothing is stored or decided by it. */
  machineTime(): number {
    return Date.now();
  }
  /** Resolves after `milliseconds`. While somebody waits the process lives, unless `keepAlive` is false. */
  abstract sleep(milliseconds: number, keepAlive?: boolean): Promise<void>;
  /** Lets the event loop turn once: others' input and output goes on. */
  abstract turn(): Promise<void>;
  /** Leaves the processor to others for so long: by this machine's time, whatever this clock shows. */
  async rest(milliseconds: number): Promise<void> {
    await delay(milliseconds);
  }
}

export class SystemClock extends Clock {
  override monotonic(): number {
    return performance.now();
  }

  override async sleep(milliseconds: number, keepAlive = true): Promise<void> {
    await delay(milliseconds, undefined, { ref: keepAlive });
  }

  override async turn(): Promise<void> {
    await setImmediate();
  }
}
