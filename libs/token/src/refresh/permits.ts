import type { Clock } from '../common/clock.js';
import { ProviderStates } from '../store/provider-states.js';

/** A call that would wait for longer is turned away instead. */
const PATIENCE_MS = 1_000;

interface Waiting {
  deadline: number;
  /** 0, or the milliseconds after which a permit may be there. */
  answer: (waitMs: number) => void;
  fail: (error: unknown) => void;
}

/** What a bucket of `perSecond` holds: half a second's worth, so that no second ever sees twice the rate; at least one. */
export const burstMs = (perSecond: number): number => Math.max(500, costMs(perSecond, 1));

/** How much of the provider's time so many permits take. */
export const costMs = (perSecond: number, count: number): number => Math.ceil((count * 1000) / perSecond);

/** What one statement takes at most, so that the other replicas get their share. */
const batchOf = (perSecond: number): number => Math.max(1, Math.floor(perSecond / 4));

/**
 * Permits out of the bucket that all replicas share. Whoever waits in this process is served together, by one statement, and
 * nothing is kept in stock.
 */
export class Permits {
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(
    private readonly states: ProviderStates,
    private readonly clock: Clock,
  ) {}

  /** 0: granted, within a second. Otherwise the milliseconds after which to try again. @throws what the database does */
  take(provider: string, perSecond: number): Promise<number> {
    const deadline = this.clock.monotonic() + PATIENCE_MS;
    return new Promise((answer, fail) => {
      const queue = this.#waiting.get(provider);
      if (queue) return void queue.push({ deadline, answer, fail });
      const begun = [{ deadline, answer, fail }];
      this.#waiting.set(provider, begun);
      void this.serve(provider, perSecond, begun);
    });
  }

  private async serve(provider: string, perSecond: number, queue: Waiting[]): Promise<void> {
    try {
      while (queue.length > 0) {
        const count = Math.min(queue.length, batchOf(perSecond));
        const cost = costMs(perSecond, count);
        const waitMs = await this.states.takePermits(provider, cost, burstMs(perSecond));
        if (waitMs === 0) for (const { answer } of queue.splice(0, count)) answer(0);
        else await this.wait(queue, waitMs, perSecond);
      }
      this.#waiting.delete(provider);
    } catch (error) {
      this.#waiting.delete(provider);
      for (const { fail } of queue) fail(error);
    }
  }

  /** Turns away at once whoever would wait for too long, going by the place in the queue. */
  private async wait(queue: Waiting[], waitMs: number, perSecond: number): Promise<void> {
    const now = this.clock.monotonic();
    const batch = batchOf(perSecond);
    const all = queue.map((waiting, place) => {
      const servedInMs = waitMs + costMs(perSecond, place - (place % batch));
      return { waiting, servedInMs, isPatient: waiting.deadline >= now + servedInMs };
    });
    const patient = all.filter(({ isPatient }) => isPatient);
    queue.splice(0, queue.length, ...patient.map(({ waiting }) => waiting));
    for (const { waiting, servedInMs, isPatient } of all) if (!isPatient) waiting.answer(servedInMs);
    if (queue.length > 0) await this.clock.sleep(waitMs);
  }
}
