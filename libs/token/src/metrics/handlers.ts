import { getOrCreateMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge } from 'prom-client';
import type { TokenEvent } from '../common/events.js';

/** What each event does to the metrics of one subject. */
export type Handlers = {
  [Type in TokenEvent['type']]?: (event: TokenEvent & { type: Type }) => void;
};

/** The values of each label that are known beforehand. */
type Labels = Record<string, readonly string[]>;

/** For a label whose values show themselves with the first event. */
export const LATER: readonly string[] = [];

/**
 * A counter whose known series are there from the start, at 0: Prometheus sees no increase in one that begins with its
 * first event, so an alert on it would miss just that one.
 */
export function counter(name: string, help: string, labels: Labels = {}): Counter {
  const made = getOrCreateMetric('Counter', { name, help, labelNames: Object.keys(labels) }) as Counter;
  for (const series of combinations(labels)) made.inc(series, 0);
  return made;
}

const combinations = (labels: Labels): Record<string, string>[] =>
  Object.entries(labels).reduce<Record<string, string>[]>(
    (all, [label, values]) => all.flatMap((one) => values.map((value) => ({ ...one, [label]: value }))),
    [{}],
  );

export const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
  getOrCreateMetric('Gauge', { name, help, labelNames }) as Gauge;

/** Hands each event to all that handle its type. Sorted once: there is one event for each token that is handed out. */
export function dispatcher(subjects: readonly Handlers[]): (event: TokenEvent) => void {
  const byType = new Map<string, ((event: never) => void)[]>();
  for (const [type, handler] of subjects.flatMap((handlers) => Object.entries(handlers)))
    byType.set(type, [...(byType.get(type) ?? []), handler]);
  return (event) => {
    for (const handler of byType.get(event.type) ?? []) handler(event as never);
  };
}
