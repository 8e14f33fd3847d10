import { getOrCreateMetric } from '@willsoto/nestjs-prometheus';
import { type Gauge, register } from 'prom-client';

/** Numbers by the value of the gauge's label. */
export type Count = Readonly<Record<string, number>>;

/**
 * A gauge that shows what `read` gives at each scrape, and nothing where that is null: no number rather than a wrong one. The
 * scrape waits for it, at the risk of all other metrics: it has to give something within a few seconds. With `label` null
 * it shows the only number. Returns what removes it, unless another application of this process has its own by now.
 */
export function scrapedGauge(
  name: string,
  help: string,
  label: string | null,
  read: () => Promise<Count | null>,
): () => void {
  // A gauge of an application that was closed in this process would ask its closed database.
  register.removeSingleMetric(name);
  const made = getOrCreateMetric('Gauge', {
    name,
    help,
    labelNames: label === null ? [] : [label],
    async collect() {
      const gauge = this as unknown as Gauge;
      const counts = await read();
      gauge.reset();
      // A reset leaves a zero where there is no label.
      if (label === null) gauge.remove();
      for (const [value, count] of Object.entries(counts ?? {}))
        gauge.set(label === null ? {} : { [label]: value }, count);
    },
  });
  return () => {
    if (register.getSingleMetric(name) === made) register.removeSingleMetric(name);
  };
}
