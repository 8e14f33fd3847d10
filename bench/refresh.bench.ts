import { fileURLToPath } from 'node:url';
import type { INestApplicationContext } from '@nestjs/common';
import { TokenService } from '@tokenward/nestjs';
import type { DataSourceOptions } from 'typeorm';
import { createDatabaseAt } from '../test/faults/stage/create-database.js';
import { Member } from '../test/support/rotation/member.js';
import type { ServerAddress, ServerKind } from '../test/support/servers/server.js';
import { startServer } from '../test/support/servers/start.js';
import { startApplication } from './refresh/application.js';
import type { Login, Methods, Orders, Served } from './refresh/provider.process.js';
import { storeByHand } from './refresh/stored-by-hand.js';
import { refreshByHand, refreshByLibrary } from './refresh/users.js';
import { tapWire } from './refresh/wire-tap.js';
import type { Suite } from './suite.js';

const CALLERS = 32;
const USERS = 256;
const REFRESHES = 200;

type ProviderKind = Orders['kind'];

export interface RefreshEffort {
  kinds: readonly ServerKind[];
  providers: readonly ProviderKind[];
}

const PROVIDER_PROCESS = fileURLToPath(new URL('refresh/provider.process.ts', import.meta.url));

/** What a refresh costs this process, its database and its provider, which has a process of its own. */
export async function refreshFigures(
  { kinds, providers }: RefreshEffort,
  measure: (suite: Suite) => Promise<object>,
): Promise<object[]> {
  const rows: object[] = [];
  for (const kind of kinds) {
    const server = await startServer(kind);
    try {
      rows.push(await statements(kind, server.address));
      for (const provider of providers) rows.push(await throughput(kind, server.address, provider, measure));
      if (kind === 'postgres') rows.push(...(await besideStored(server.address, measure)));
    } finally {
      await server.stop();
    }
  }
  return rows;
}

/** P6: everything that goes to the database for refreshes one after the other. */
async function statements(kind: ServerKind, address: ServerAddress): Promise<object> {
  const tap = await tapWire(kind, address);
  const { port } = tap;
  const all = await withApplication('testing kit', kind, { ...address, port }, async ({ app }) => {
    const refresh = refreshByLibrary(app.get(TokenService), USERS);
    tap.taken();
    for (let count = 0; count < REFRESHES; count++) await refresh();
    return tap.taken();
  });
  await tap.close();
  const perRefresh = (pattern: RegExp): string =>
    (all.filter((text) => pattern.test(text)).length / REFRESHES).toFixed(2);
  const transactions = all.filter((text) => /^\s*(?:BEGIN|START TRANSACTION|SET autocommit)/i.test(text));
  return {
    id: 'P6',
    what: `statements per refresh that write, ${kind}`,
    ours: perRefresh(/^\s*(?:WITH|INSERT|UPDATE|DELETE)\b/i),
    against: `and ${perRefresh(/^\s*SELECT\b.*tokenward_/is)} that read; ${transactions.length} transactions`,
    target: '2.00 and 0 transactions',
  };
}

const throughput = (
  kind: ServerKind,
  address: ServerAddress,
  provider: ProviderKind,
  measure: (suite: Suite) => Promise<object>,
): Promise<object> =>
  withApplication(provider, kind, address, async ({ app, served, mint }) =>
    measure({
      id: 'refresh',
      what: `${provider}, ${CALLERS} callers, ${kind} (refreshes/s)`,
      target: 0.8,
      callers: CALLERS,
      ours: { name: 'refreshTokens', run: refreshByLibrary(app.get(TokenService), USERS) },
      against: { name: 'bare fetch, nothing stored', run: refreshByHand(served, await mint()) },
    }),
  );

/** How much of it is ours, and how much is left for anybody who stores: against a refresh by hand that stores its tokens, too. */
const besideStored = (
  address: ServerAddress,
  measure: (suite: Suite) => Promise<object>,
): Promise<object[]> =>
  withApplication('test provider', 'postgres', address, async ({ app, served, mint, options }) => {
    const byHand = await storeByHand(address, String(options.database), served, await mint());
    const suite = { id: 'refresh', target: 0.8, callers: CALLERS };
    const what = `test provider, ${CALLERS} callers, postgres (refreshes/s)`;
    try {
      const ours = await measure({
        ...suite,
        what,
        ours: { name: 'refreshTokens', run: refreshByLibrary(app.get(TokenService), USERS) },
        against: { name: 'claimed and stored by hand, in the clear', run: byHand.refresh },
      });
      const ceiling = await measure({
        ...suite,
        what: 'the most that is left for whoever stores (refreshes/s)',
        ours: { name: 'stored by hand, in the clear', run: byHand.refresh },
        against: { name: 'bare fetch, nothing stored', run: refreshByHand(served, await mint()) },
      });
      return [ours, ceiling];
    } finally {
      await byHand.close();
    }
  });

interface Parts {
  app: INestApplicationContext;
  options: DataSourceOptions;
  served: Served;
  mint: () => Promise<Login[]>;
}

async function withApplication<T>(
  kind: ProviderKind,
  database: ServerKind,
  address: ServerAddress,
  work: (parts: Parts) => Promise<T>,
): Promise<T> {
  const { options, drop } = await createDatabaseAt(database, address);
  const provider = new Member<Methods, Orders>(PROVIDER_PROCESS, process.execArgv);
  try {
    await provider.begin({ kind }, () => undefined);
    const served = await provider.call('served');
    const mint = (): Promise<Login[]> => provider.call('mint', USERS);
    const app = await startApplication(options, served, await mint());
    try {
      return await work({ app, options, served, mint });
    } finally {
      await app.close();
    }
  } finally {
    await provider.leave();
    await drop();
  }
}
