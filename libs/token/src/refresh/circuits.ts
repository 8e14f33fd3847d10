import type { Clock } from '../common/clock.js';
import { ProviderUnavailableError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import { randomId } from '../crypto/random.js';
import { type Circuit, CLOSED, ProviderStates } from '../store/provider-states.js';
import { refusal } from './admission.js';
import {
  circuitEntry,
  FAILURES_TO_OPEN,
  PROBE_DISTANCE_MS,
  secondsUntilProbe,
  type Verdict,
} from './circuit.js';

/** An open circuit is believed in for so long without a look at the database, so that its end is noticed. */
const BELIEF_MS = 250;

interface Belief {
  circuit: Circuit;
  /** The database's clock when it was read, and this process's. */
  now: number;
  at: number;
  until: number;
}

/** The circuits of the providers as this process knows them; the database has them for all. */
export class Circuits {
  readonly #open = new Map<string, Belief>();
  /** Providers with failures in succession, which the next success ends. */
  readonly #failing = new Set<string>();
  readonly #probing = new Set<string>();

  constructor(
    private readonly states: ProviderStates,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
  ) {}

  /** Takes note of a circuit that was read along with a row. */
  notice(provider: string, circuit: Circuit, now: number): void {
    if (circuit.failedRows > 0) this.#failing.add(provider);
    if (circuit.probeAfter === null || circuitEntry(circuit, now) !== 'nobody')
      return void this.#open.delete(provider);
    const at = this.clock.monotonic();
    this.#open.set(provider, { circuit, now, at, until: at + Math.min(circuit.probeAfter - now, BELIEF_MS) });
  }

  /** Known to be open without a look at the database; false proves nothing. */
  isOpen(provider: string): boolean {
    return (this.#open.get(provider)?.until ?? -Infinity) > this.clock.monotonic();
  }

  /** Spares the database calls that would be turned away. @throws ProviderUnavailableError */
  assertNotOpen(provider: string): void {
    const belief = this.#open.get(provider);
    const monotonic = this.clock.monotonic();
    if (!belief || belief.until <= monotonic) return;
    const { circuit, now, at } = belief;
    this.events.emit({ type: 'refresh_refused', provider, reason: 'circuit_open' });
    const seconds = secondsUntilProbe(circuit, now + monotonic - at);
    throw new ProviderUnavailableError(provider, refusal('circuit_open', circuit.failedAs), seconds);
  }

  /** The id of a probe; null where another call, here or elsewhere, is one. */
  async probe(provider: string, leaseMs: number): Promise<string | null> {
    if (this.#probing.has(provider)) return null;
    this.#probing.add(provider);
    const probeId = randomId();
    let taken = false;
    try {
      taken = await this.states.takeProbe(provider, probeId, leaseMs);
      return taken ? probeId : null;
    } finally {
      if (!taken) this.#probing.delete(provider);
    }
  }

  /** Never fails: what is not noted now, the next outcome tells again, and a probe that nobody ends runs out. */
  async settle(provider: string, probeId: string | null, verdict: Verdict | null): Promise<void> {
    try {
      if (probeId === null) await this.count(provider, verdict);
      else await this.endProbe(provider, probeId, verdict);
    } catch {
      // The database is away: what has come of the exchange counts for more.
    } finally {
      if (probeId !== null) this.#probing.delete(provider);
    }
  }

  private async count(provider: string, verdict: Verdict | null): Promise<void> {
    if (verdict === null) return;
    const { failure, weight, pauseMs } = verdict;
    if (failure === null) {
      if (this.#failing.delete(provider)) await this.states.forgetFailures(provider);
      return;
    }
    if (weight === 'none') return;
    this.#failing.add(provider);
    const opened =
      weight === 'opens'
        ? await this.states.open(provider, failure, pauseMs)
        : await this.states.countFailure(provider, failure, FAILURES_TO_OPEN, pauseMs);
    if (!opened) return;
    this.notice(provider, { ...CLOSED, probeAfter: pauseMs, failedAs: failure }, 0);
    this.events.emit({
      type: 'circuit_opened',
      provider,
      reason: failure,
      retryInSeconds: Math.ceil(pauseMs / 1000),
    });
  }

  private async endProbe(provider: string, probeId: string, verdict: Verdict | null): Promise<void> {
    if (verdict === null) return this.states.releaseProbe(provider, probeId, PROBE_DISTANCE_MS);
    const { failure, pauseMs } = verdict;
    if (failure !== null) return this.states.failProbe(provider, probeId, failure, pauseMs);
    if (!(await this.states.close(provider, probeId))) return;
    this.#open.delete(provider);
    this.#failing.delete(provider);
    this.events.emit({ type: 'circuit_closed', provider });
  }
}
