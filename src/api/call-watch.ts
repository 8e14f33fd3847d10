import type { ApiLimits } from '../config/api-limits.js';
import { apiTimeout } from './api.fault.js';

/** Ends a call in which nothing moves any more, and whatever else its end is due to. */
export class CallWatch {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout;

  constructor(private readonly limits: ApiLimits) {
    this.timer = this.after(limits.firstByteSeconds);
  }

  /** Aborted with the error that the call has ended with, mostly an `ApiFault`. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The answer has begun. */
  answered(): void {
    clearTimeout(this.timer);
    this.timer = this.after(this.limits.idleSeconds);
  }

  readonly moved = (): void => void this.timer.refresh();

  done(): void {
    clearTimeout(this.timer);
  }

  end(fault: Error): void {
    this.done();
    this.controller.abort(fault);
  }

  private after(seconds: number): NodeJS.Timeout {
    return setTimeout(() => this.end(apiTimeout(seconds)), seconds * 1000);
  }
}
