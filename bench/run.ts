import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cryptoSuites } from './crypto.bench.js';
import { interleaved, machine } from './measure.js';
import { readSuites } from './read.bench.js';
import { startFigures } from './start.bench.js';
import type { Suite } from './suite.js';

const { values } = parseArgs({ options: { short: { type: 'boolean', default: false } } });
const effort = values.short ? { rounds: 3, roundMs: 300 } : { rounds: 9, roundMs: 1500 };
const users = values.short ? 1_000 : 20_000;

/** Prints one row per suite and keeps the figures as JSON. Asserts nothing: machines differ. */
async function main(): Promise<void> {
  console.log(`${machine()}; ${effort.rounds} rounds of ${effort.roundMs} ms, in turns\n`);
  const reads = await readSuites(users);
  const rows: object[] = [];
  try {
    for (const suite of [...(await cryptoSuites()), ...reads.suites]) rows.push(await measure(suite));
  } finally {
    await reads.stop();
  }
  const start = await startFigures(values.short ? 3 : 9);
  console.table(rows);
  console.table([start]);
  mkdirSync('test-results', { recursive: true });
  writeFileSync(
    'test-results/bench.json',
    `${JSON.stringify({ machine: machine(), effort, users, rows, start }, null, 2)}\n`,
  );
}

async function measure({ id, what, target, callers, ours, against }: Suite): Promise<object> {
  const [our, their] = await interleaved([ours, against], callers, effort);
  return {
    id,
    what,
    ours: Math.round(our!.perSecond),
    against: `${Math.round(their!.perSecond)} (${against.name})`,
    ratio: (our!.perSecond / their!.perSecond).toFixed(2),
    target: `>= ${target.toFixed(2)}`,
    'p50/p99 ms': `${our!.p50Ms.toFixed(3)}/${our!.p99Ms.toFixed(3)} vs ${their!.p50Ms.toFixed(3)}/${their!.p99Ms.toFixed(3)}`,
    'CPU us': `${our!.cpuMicroseconds.toFixed(1)} vs ${their!.cpuMicroseconds.toFixed(1)}`,
  };
}

await main();
