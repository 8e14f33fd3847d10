import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bffSuites } from './bff.bench.js';
import { cryptoSuites } from './crypto.bench.js';
import { keyFigures } from './keys.bench.js';
import { interleaved, machine } from './measure.js';
import { readSuites } from './read.bench.js';
import { startFigures } from './start.bench.js';
import type { Suite } from './suite.js';

const GROUPS = ['crypto', 'read', 'start', 'keys', 'bff'] as const;
type Group = (typeof GROUPS)[number];

const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !GROUPS.includes(name as Group));
if (unknown.length > 0) throw new Error(`no group "${unknown.join(' ')}"; there are ${GROUPS.join(', ')}`);
const { short } = values;
const effort = short ? { rounds: 3, roundMs: 300 } : { rounds: 9, roundMs: 1500 };
const users = short ? 1_000 : 20_000;
const keyEffort = short
  ? { rows: 2_000, rounds: 1, tenants: 200, turnMs: 1_500 }
  : { rows: 20_000, rounds: 5, tenants: 1_000, turnMs: 6_000 };

/** `npm run bench` measures all groups, `npm run bench -- keys` some. Asserts nothing: machines differ. */
const groups: Record<Group, () => Promise<object[]>> = {
  crypto: async () => measureAll(await cryptoSuites()),
  read: async () => measureAndStop(await readSuites(users)),
  start: async () => [await startFigures(short ? 3 : 9)],
  keys: () => keyFigures(keyEffort),
  bff: async () => measureAndStop(await bffSuites()),
};

/** Prints a table per group and keeps the figures as JSON. */
async function main(): Promise<void> {
  console.log(`${machine()}; ${effort.rounds} rounds of ${effort.roundMs} ms, in turns\n`);
  const figures: Partial<Record<Group, object[]>> = {};
  for (const name of positionals.length > 0 ? (positionals as Group[]) : GROUPS) {
    figures[name] = await groups[name]();
    console.table(figures[name]);
  }
  mkdirSync('test-results', { recursive: true });
  writeFileSync(
    'test-results/bench.json',
    `${JSON.stringify({ machine: machine(), effort, users, keyEffort, figures }, null, 2)}\n`,
  );
}

async function measureAndStop({
  suites,
  stop,
}: {
  suites: Suite[];
  stop: () => Promise<void>;
}): Promise<object[]> {
  try {
    return await measureAll(suites);
  } finally {
    await stop();
  }
}

async function measureAll(suites: Suite[]): Promise<object[]> {
  const rows: object[] = [];
  for (const suite of suites) rows.push(await measure(suite));
  return rows;
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
