import { requirement } from '../test/support/optional.js';
import type { ServerKind } from '../test/support/servers/server.js';
import type { KeyEffort } from './keys-effort.js';
import type { Effort } from './measure.js';
import type { RefreshEffort } from './refresh.bench.js';
import { ALL_PEERS, type StormEffort } from './storm.bench.js';

/** How much each group does for its figures. */
export interface BenchEffort {
  turns: Effort;
  users: number;
  starts: number;
  keys: KeyEffort;
  refresh: RefreshEffort;
  storm: StormEffort;
}

const installed = (): ServerKind[] =>
  requirement('mariadb').available ? ['postgres', 'mariadb'] : ['postgres'];

export const shortEffort = (): BenchEffort => ({
  turns: { rounds: 3, roundMs: 300 },
  users: 1_000,
  starts: 3,
  keys: { rows: 2_000, rounds: 1, tenants: 200, turnMs: 1_500 },
  refresh: { kinds: ['postgres'], providers: ['test provider'] },
  storm: { storms: 1, warmUps: 5, kinds: ['postgres'], peers: 1 },
});

export const longEffort = (): BenchEffort => ({
  turns: { rounds: 9, roundMs: 1500 },
  users: 20_000,
  starts: 9,
  keys: { rows: 20_000, rounds: 5, tenants: 1_000, turnMs: 6_000 },
  refresh: { kinds: installed(), providers: ['test provider', 'testing kit'] },
  storm: { storms: 5, warmUps: 10, kinds: installed(), peers: ALL_PEERS },
});
