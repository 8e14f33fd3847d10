import { getOrCreateMetric } from '@willsoto/nestjs-prometheus';
import type { Counter, Gauge } from 'prom-client';
import type { TokenEvent } from '../common/events.js';

/** What each event does to the metrics of one subject. */
export type Handlers = {
  [Type in TokenEvent['type']]?: (event: TokenEvent & { type: Type }) => void;
};

export const counter = (name: string, help: string, labelNames: string[] = []): Counter =>
  getOrCreateMetric('Counter', { name, help, labelNames }) as Counter;

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
