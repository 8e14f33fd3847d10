import { getOrCreateMetric } from '@willsoto/nestjs-prometheus';
import type { Histogram } from 'prom-client';
import { REFRESH_OUTCOMES, REFUSAL_REASONS } from '../common/events.js';
import { counter, type Handlers } from './handlers.js';

export function refreshes(provider: readonly string[]): Handlers {
  const total = counter('tokenward_refreshes_total', 'Refreshes by provider and outcome.', {
    provider,
    outcome: REFRESH_OUTCOMES,
  });
  const seconds = getOrCreateMetric('Histogram', {
    name: 'tokenward_refresh_duration_seconds',
    help: 'Seconds that a provider took to answer a refresh.',
    labelNames: ['provider'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  }) as Histogram;
  const refusals = counter(
    'tokenward_refreshes_refused_total',
    'Refreshes that were not tried, by provider and reason: circuit_open, rate_limited or held_after_restore.',
    { provider, reason: REFUSAL_REASONS },
  );
  const circuitOpenings = counter(
    'tokenward_circuit_openings_total',
    'Times that this process has found a provider to be down and opened its circuit.',
    { provider },
  );
  const reauthorizations = counter(
    'tokenward_reauthorizations_required_total',
    'Sessions that only a new log-in of the user can continue.',
    { provider },
  );
  return {
    refresh(event) {
      total.inc({ provider: event.provider, outcome: event.outcome });
      seconds.observe({ provider: event.provider }, event.durationSeconds);
    },
    refresh_refused: (event) => refusals.inc({ provider: event.provider, reason: event.reason }),
    circuit_opened: (event) => circuitOpenings.inc({ provider: event.provider }),
    reauthorization_required: (event) => reauthorizations.inc({ provider: event.provider }),
  };
}
