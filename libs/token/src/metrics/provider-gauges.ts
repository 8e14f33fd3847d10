import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { atMost } from '../refresh/at-most.js';
import { type ProviderState, ProviderStates } from '../store/provider-states.js';
import { scrapedGauge } from './scraped-gauge.js';

const WAIT_MS = 4_000;

/** How the providers stand, for all replicas. Read at the scrape: what was true half a minute ago is no news of an outage. */
@Injectable()
export class ProviderGauges implements OnModuleDestroy {
  readonly #removals: (() => void)[];

  constructor(@Inject(ProviderStates) private readonly states: ProviderStates) {
    this.#removals = [
      this.gauge(
        'tokenward_provider_circuit_open',
        '1 while a provider is left alone by all replicas but for probes, else 0.',
        ({ circuit }) => (circuit.probeAfter === null ? 0 : 1),
      ),
      this.gauge(
        'tokenward_provider_retry_seconds',
        'Seconds until a provider that is left alone is asked again; 0 while it is asked.',
        ({ circuit, now }) =>
          circuit.probeAfter === null ? 0 : Math.max(0, (circuit.probeAfter - now) / 1000),
      ),
    ];
  }

  onModuleDestroy(): void {
    for (const remove of this.#removals) remove();
  }

  private gauge(name: string, help: string, valueOf: (state: ProviderState) => number): () => void {
    return scrapedGauge(name, help, 'provider', async () => {
      const known = await atMost(
        WAIT_MS,
        this.states.list().catch(() => []),
        [],
      );
      return Object.fromEntries(known.map((state) => [state.provider, valueOf(state)]));
    });
  }
}
