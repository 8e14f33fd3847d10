import { readFileSync } from 'node:fs';
import type { ServerKind } from '../test/support/servers/server.js';
import { startServer } from '../test/support/servers/start.js';
import { quantile } from './measure.js';
import { CALLS, LATENCY_MS, PROCESSES, type StormOutcome, storms } from './storm/storm.js';

interface Entry {
  /** The package. */
  library: string;
  used?: string;
  file: string;
}

export interface StormEffort {
  storms: number;
  /** Storms of each library that go before and do not count. */
  warmUps: number;
  kinds: readonly ServerKind[];
  /** So many of the peers, on PostgreSQL. */
  peers: number;
}

const OURS: Entry = { library: '@tokenward/nestjs', file: './tokenward.js' };
const PEERS: readonly Entry[] = [
  { library: 'openid-client', used: 'by hand', file: './peers/openid-client.js' },
  { library: 'openid-client', used: 'by hand, row locked', file: './peers/openid-client-locked.js' },
  { library: 'simple-oauth2', file: './peers/simple-oauth2.js' },
  { library: 'better-auth', file: './peers/better-auth.js' },
  { library: 'passport-oauth2-refresh', file: './peers/passport-oauth2-refresh.js' },
  { library: '@azure/msal-node', file: './peers/msal-node.js' },
  { library: 'google-auth-library', file: './peers/google-auth-library.js' },
  { library: 'axios-auth-refresh', file: './peers/axios-auth-refresh.js' },
];

export const ALL_PEERS = PEERS.length;

/** P5. One expired token, and everybody at once: what the provider has seen of it, and whether the user is still logged in. */
export async function stormFigures({ storms: count, warmUps, kinds, peers }: StormEffort): Promise<object[]> {
  const rows: object[] = [];
  for (const kind of kinds) {
    const server = await startServer(kind);
    try {
      for (const entry of [OURS, ...(kind === 'postgres' ? PEERS.slice(0, peers) : [])])
        rows.push(rowOf(entry, kind, await storms(count, warmUps, entry.file, kind, server.address)));
    } finally {
      await server.stop();
    }
  }
  return rows;
}

function rowOf({ library, used }: Entry, database: ServerKind, outcomes: StormOutcome[]): object {
  const exchanges = outcomes.map((one) => one.exchanges).toSorted((a, b) => a - b);
  const milliseconds = outcomes.flatMap((one) => one.milliseconds).toSorted((a, b) => a - b);
  const ms = (part: number): string => quantile(milliseconds, part).toFixed(0);
  return {
    id: library === OURS.library ? 'P5' : '',
    library: `${library} ${versionOf(library)}${used === undefined ? '' : `, ${used}`}`,
    database,
    storms: outcomes.length,
    processes: PROCESSES,
    calls: CALLS,
    exchanges: [...new Set([exchanges[0], exchanges.at(-1)])].join(' to '),
    'calls failed': Math.max(...outcomes.map(({ failed }) => failed)),
    'sessions alive': outcomes.filter(({ alive }) => alive).length,
    'p50/p99 ms': `${ms(0.5)}/${ms(0.99)}`,
    target: library === OURS.library ? `1 exchange, p99 <= ${LATENCY_MS} (provider) + 100 ms` : '',
  };
}

function versionOf(library: string): string {
  const file = new URL(`../node_modules/${library}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
