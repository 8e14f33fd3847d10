import { parseArgs } from 'node:util';
import { Simulation } from './simulation.js';

const { values } = parseArgs({ options: { seeds: { type: 'string' }, seed: { type: 'string' } } });

/** `npm run test:simulation -- --seeds 1000000`, and `-- --seed 4711` for one run again. */
function main(): void {
  const [first, count] =
    values.seed === undefined ? [0, Number(values.seeds ?? 20_000)] : [Number(values.seed), 1];
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1)
    throw new Error('--seeds and --seed take a whole number');
  const begun = performance.now();
  let violations = 0;
  for (let seed = first; seed < first + count; seed++) {
    try {
      new Simulation(seed, {}, count === 1 ? console.log : undefined).run();
    } catch (error) {
      violations++;
      console.log(`seed ${seed}: ${(error as Error).message}`);
      if (count === 1) throw error;
      if (violations === 20)
        throw new Error(`20 violations until seed ${seed}: no more are looked for`, { cause: error });
    }
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${count} seeds, ${violations} violations, ${seconds} s`);
  process.exitCode = violations === 0 ? 0 : 1;
}

main();
