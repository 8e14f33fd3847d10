import { getOrCreateMetric } from '@willsoto/nestjs-prometheus';
import { type Gauge, register } from 'prom-client';

/** A gauge that `fill` sets at each scrape. Returns what removes it, unless another application of this process has its own by now. */
export function scrapedGauge(
  name: string,
  help: string,
  labelNames: string[],
  fill: (gauge: Gauge) => Promise<void>,
): () => void {
  // A gauge of an application that was closed in this process would ask its closed database.
  register.removeSingleMetric(name);
  const made = getOrCreateMetric('Gauge', {
    name,
    help,
    labelNames,
    async collect() {
      await fill(this as unknown as Gauge);
    },
  });
  return () => {
    if (register.getSingleMetric(name) === made) register.removeSingleMetric(name);
  };
}
