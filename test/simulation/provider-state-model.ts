import type { Verdict } from '../../libs/token/src/refresh/circuit.js';
import { FAILURES_TO_OPEN, PROBE_DISTANCE_MS } from '../../libs/token/src/refresh/circuit.js';
import { burstMs, costMs } from '../../libs/token/src/refresh/permits.js';
import { type Circuit, CLOSED } from '../../libs/token/src/store/provider-states.js';
import type { Broken } from './row-model.js';
import type { Timeline } from './timeline.js';
import { Violation } from './violation.js';

/** Longer than any flight of a simulation takes. */
const PROBE_LEASE_MS = 65_000;

/** The row of the provider as the statements of `database/sql-provider-states.ts` treat it, and what I7 says of it. */
export class ProviderStateModel {
  circuit: Circuit = CLOSED;
  #openedAt = 0;
  #probeId: string | null = null;
  #lastProbeAt = -Infinity;
  #permitsUntil = 0;
  readonly #granted: number[] = [];

  constructor(
    private readonly time: Timeline,
    private readonly broken: Broken,
  ) {}

  takeProbe(probeId: string): string | null {
    const { now } = this.time;
    const { probeAfter } = this.circuit;
    if (!this.broken.probesAnytime && (probeAfter === null || probeAfter > now)) return null;
    if (now - this.#lastProbeAt < PROBE_DISTANCE_MS)
      throw new Violation('I7', 'two probes are less than a second apart');
    this.#lastProbeAt = now;
    this.#probeId = probeId;
    this.circuit = { ...this.circuit, probing: true, probeAfter: now + PROBE_LEASE_MS };
    return probeId;
  }

  takePermit(perSecond: number): number {
    const { now } = this.time;
    const [cost, burst] = [costMs(perSecond, 1), burstMs(perSecond)];
    const waitMs = this.#permitsUntil - (now + burst - cost);
    if (waitMs > 0 && !this.broken.ignoresBucket) return waitMs;
    this.#permitsUntil = Math.max(now, this.#permitsUntil) + cost;
    this.#granted.push(now);
    if (this.#granted.filter((at) => at > now - 1000 / perSecond).length > 2)
      throw new Violation('I7', 'more than twice the rate was let through');
    return 0;
  }

  settle(probeId: string | null, verdict: Verdict | null): void {
    const pause = this.time.now + (verdict?.pauseMs ?? PROBE_DISTANCE_MS);
    if (probeId !== null) {
      if (probeId !== this.#probeId) return;
      this.#probeId = null;
      if (verdict?.failure === null) this.circuit = CLOSED;
      else {
        const failedProbes = this.circuit.failedProbes + (verdict === null ? 0 : 1);
        this.circuit = { ...this.circuit, probing: false, probeAfter: pause, failedProbes };
      }
      return;
    }
    if (verdict === null || verdict.weight === 'none') {
      if (verdict?.failure === null && this.circuit.probeAfter === null) this.circuit = CLOSED;
    } else if (this.circuit.probeAfter !== null) {
      if (this.#probeId === null && verdict.weight === 'opens')
        this.circuit = { ...this.circuit, probeAfter: Math.max(this.circuit.probeAfter, pause) };
    } else {
      const failedRows = this.circuit.failedRows + 1;
      const opens = verdict.weight === 'opens' || failedRows >= FAILURES_TO_OPEN;
      if (opens) this.#openedAt = this.time.now;
      this.circuit = { ...CLOSED, failedRows, failedAs: verdict.failure, probeAfter: opens ? pause : null };
    }
  }

  /** I7: a flight that has read at `readAt` asks the provider. */
  assertAdmitted(readAt: number, probeId: string | null): void {
    if (probeId === null && this.circuit.probeAfter !== null && this.#openedAt < readAt)
      throw new Violation('I7', 'the provider was asked although the circuit was open');
  }

  /** I7: the provider has asked to be left alone, and that has been written down. */
  assertOpen(): void {
    if (this.circuit.probeAfter === null)
      throw new Violation('I7', 'the circuit is closed although the provider asks to be left alone');
  }
}
