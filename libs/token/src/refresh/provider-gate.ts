import type { Provider } from '../oauth/providers.js';
import { PROBE_DISTANCE_MS } from './circuit.js';
import { Circuits } from './circuits.js';
import type { EffectHandlers } from './effect-handlers.js';
import { Permits } from './permits.js';

/** What one flight has to do with the state that all replicas share about its provider. */
export class ProviderGate {
  /** Taken and not settled. */
  readonly #probes = new Set<string>();

  constructor(
    private readonly circuits: Circuits,
    private readonly permits: Permits,
    private readonly provider: Provider,
  ) {}

  get handlers(): Pick<EffectHandlers, 'probe' | 'permit' | 'settle'> {
    const { circuits, permits } = this;
    const { name, timeoutSeconds, credentials, options } = this.provider;
    return {
      probe: async () => {
        // Discovery and every credential may take their time.
        const lifeMs = Math.ceil((timeoutSeconds * (credentials.length + 1) + 5) * 1000);
        const probeId = await circuits.probe(name, lifeMs);
        if (probeId !== null) this.#probes.add(probeId);
        return probeId;
      },
      permit: async () => {
        const waitMs = await permits.take(name, options.refreshesPerSecond!);
        // It may have been opened while this one was waiting.
        return waitMs === 0 && this.#probes.size === 0 && circuits.isOpen(name) ? PROBE_DISTANCE_MS : waitMs;
      },
      settle: async ({ probeId, verdict }) => {
        await circuits.settle(name, probeId, verdict);
        if (probeId !== null) this.#probes.delete(probeId);
      },
    };
  }

  /** Gives back what a flight that has failed in between has left. */
  async end(): Promise<void> {
    for (const probeId of this.#probes) await this.circuits.settle(this.provider.name, probeId, null);
  }
}
