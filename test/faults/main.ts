import { join } from 'node:path';
import { runCommand } from '../support/command.js';
import { bundleProcess } from '../support/rotation/bundle.js';
import type { ServerKind } from '../support/servers/server.js';
import { startServer } from '../support/servers/start.js';
import { type Arguments, readArguments } from './arguments.js';
import { perform, type Performance } from './perform.js';
import { SCENARIOS } from './scenarios.js';
import { createDatabaseAt } from './stage/create-database.js';
import { Crew } from './stage/crew.js';
import { heading, rowOf } from './table.js';

/** `npm run test:faults`, in its long form with `-- --long`. */
async function main(): Promise<void> {
  const asked = readArguments();
  const bundle = await bundleProcess('replica.process', join(import.meta.dirname, 'stage'));
  const played: Performance[] = [];
  try {
    console.log(heading());
    for (const kind of asked.databases) played.push(...(await playOn(kind, asked, new Crew(bundle.file))));
  } finally {
    await bundle.remove();
  }
  const missed = played.filter(({ misses }) => misses.length > 0);
  for (const { scenario, kind, misses } of missed)
    for (const miss of misses)
      console.log(`missed on ${kind}, line ${scenario.line}, ${scenario.name}: ${miss}`);
  console.log(
    missed.length === 0
      ? `All ${played.length} scenarios hold.`
      : `${missed.length} of ${played.length} scenarios are missed.`,
  );
  process.exitCode = missed.length === 0 ? 0 : 1;
}

async function playOn(kind: ServerKind, { long, lines }: Arguments, crew: Crew): Promise<Performance[]> {
  const played: Performance[] = [];
  const server = await startServer(kind, { durable: true });
  try {
    for (const scenario of SCENARIOS.filter(({ line }) => lines.includes(line))) {
      const one = await perform(scenario, kind, long, crew, () => createDatabaseAt(kind, server.address));
      console.log(rowOf(one));
      console.error(`${one.seconds.toFixed(0)} s`);
      played.push(one);
    }
  } finally {
    await crew.dismiss();
    await server.stop();
  }
  return played;
}

await runCommand(main);
