import { getOrCreateMetric } from '@willsoto/nestjs-prometheus';
import { type Gauge, register } from 'prom-client';
import { atMost } from '../refresh/at-most.js';

/** A scrape gives up after 10 s by default, and would lose the metrics that need no database. */
const LONGEST_MS = 4_000;

/** Numbers by the value of the gauge's label. */
export type Count = Readonly<Record<string, number>>;

/**
 * A gauge that shows what `read` gives at each scrape, and nothing where that is null or does not come: no number rather than a
 * wrong one. With `label` null it shows the only number. Returns what removes it, unless another application of this process has
 * its own by now.
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
      const counts = await atMost(LONGEST_MS, read(), null);
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
