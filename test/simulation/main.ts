import { readOptions, runCommand, wholeNumber } from '../support/command.js';
import { Simulation } from './simulation.js';

/** `npm run test:simulation -- --seeds 1000000`, and `-- --seed 4711` for one run again. */
function main(): void {
  const asked = readOptions({ seeds: { type: 'string', default: '20000' }, seed: { type: 'string' } });
  const [first, count] =
    asked.seed === undefined
      ? [0, wholeNumber('seeds', asked.seeds, 1)]
      : [wholeNumber('seed', asked.seed, 0), 1];
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

await runCommand(main);
