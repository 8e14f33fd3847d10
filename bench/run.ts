import 'reflect-metadata';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readWordsAndOptions, runCommand } from '../test/support/command.js';
import { bffSuites } from './bff.bench.js';
import { guardFigures } from './bff-guard.bench.js';
import { cryptoSuites } from './crypto.bench.js';
import { type BenchEffort, longEffort, shortEffort } from './effort.js';
import { keyFigures } from './keys.bench.js';
import { type Effort, interleaved, machine } from './measure.js';
import { readSuites } from './read.bench.js';
import { refreshFigures } from './refresh.bench.js';
import { startFigures } from './start.bench.js';
import { stormFigures } from './storm.bench.js';
import type { Suite } from './suite.js';

const GROUPS = ['crypto', 'read', 'start', 'keys', 'refresh', 'storm', 'bff'] as const;
type Group = (typeof GROUPS)[number];

const groups: Record<Group, (effort: BenchEffort) => Promise<object[]>> = {
  crypto: async ({ turns }) => measureAll(await cryptoSuites(), turns),
  read: async ({ users, turns }) => measureAndStop(await readSuites(users), turns),
  start: async ({ starts }) => [await startFigures(starts)],
  keys: ({ keys }) => keyFigures(keys),
  refresh: ({ refresh, turns }) => refreshFigures(refresh, (suite) => measure(suite, turns)),
  storm: ({ storm }) => stormFigures(storm),
  bff: async ({ turns }) => [await guardFigures(), ...(await measureAndStop(await bffSuites(), turns))],
};

/**
 * `npm run bench` measures all groups, `npm run bench -- storm` some. Prints a table per group and keeps the figures as
 * JSON. Asserts nothing: machines differ.
 */
async function main(): Promise<void> {
  const { values, words } = readWordsAndOptions({ short: { type: 'boolean', default: false } }, GROUPS);
  const effort = values.short ? shortEffort() : longEffort();
  const { rounds, roundMs } = effort.turns;
  console.log(`${machine()}; ${rounds} rounds of ${roundMs} ms, in turns\n`);
  const figures: Partial<Record<Group, object[]>> = {};
  for (const name of words.length > 0 ? words : GROUPS) {
    figures[name] = await groups[name](effort);
    console.table(figures[name]);
  }
  mkdirSync('test-results', { recursive: true });
  writeFileSync(
    'test-results/bench.json',
    `${JSON.stringify({ machine: machine(), effort, figures }, null, 2)}\n`,
  );
}

interface Suites {
  suites: Suite[];
  stop: () => Promise<void>;
}

async function measureAndStop({ suites, stop }: Suites, turns: Effort): Promise<object[]> {
  try {
    return await measureAll(suites, turns);
  } finally {
    await stop();
  }
}

async function measureAll(suites: Suite[], turns: Effort): Promise<object[]> {
  const rows: object[] = [];
  for (const suite of suites) rows.push(await measure(suite, turns));
  return rows;
}

async function measure({ id, what, target, callers, ours, against }: Suite, turns: Effort): Promise<object> {
  const [our, their] = await interleaved([ours, against], callers, turns);
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

await runCommand(main);
