import { ProviderUnavailableError } from '../common/errors.js';
import type { RefusalReason } from '../common/events.js';
import type { ProviderOptions } from '../oauth/provider.options.js';
import type { FullTokenRow } from '../store/token-rows.js';
import { circuitEntry, secondsUntilProbe } from './circuit.js';
import { ask, type Flight } from './effects.js';

/**
 * Whether this flight may ask the provider, before it claims anything: by the circuit and by the bucket that all replicas
 * share. The id of its probe, if it is one. @throws ProviderUnavailableError, at once while the circuit is open
 */
export function* admitted(
  row: FullTokenRow,
  { refreshesPerSecond }: Pick<ProviderOptions, 'refreshesPerSecond'>,
): Flight<string | null> {
  const { circuit, now } = row;
  const entry = circuitEntry(circuit, now);
  if (entry === 'nobody') return yield* refuse(row, 'circuit_open', secondsUntilProbe(circuit, now));
  const probeId = entry === 'one probe' ? yield* ask('probe', row) : null;
  if (entry === 'one probe' && probeId === null) return yield* refuse(row, 'circuit_open', 1);
  const waitMs = refreshesPerSecond === undefined ? 0 : yield* ask('permit', row);
  if (waitMs === 0) return probeId;
  yield* released(row, probeId);
  return yield* refuse(row, 'rate_limited', Math.ceil(waitMs / 1000));
}

/** Nothing was presented: a probe is somebody else's. */
export function* released(row: FullTokenRow, probeId: string | null): Flight<void> {
  if (probeId !== null) yield* ask('settle', { row, probeId, verdict: null });
}

function* refuse({ provider, circuit }: FullTokenRow, reason: RefusalReason, seconds: number): Flight<never> {
  yield* ask('report', { type: 'refresh_refused', provider, reason });
  throw new ProviderUnavailableError(provider, refusal(reason, circuit.failedAs), seconds);
}

/** For the message of an error. */
export const refusal = (reason: RefusalReason, failedAs: string | null): string =>
  reason === 'circuit_open' && failedAs !== null ? `circuit_open: ${failedAs}` : reason;
