import type { TestProject } from 'vitest/node';
import { requirement, strictlyRequired } from './optional.js';
import type { DatabaseServer, ServerAddress, ServerKind } from './servers/server.js';
import { startServer } from './servers/start.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The servers that run during this test run; SQLite needs none. */
    databases: Partial<Record<ServerKind, ServerAddress>>;
  }
}

/** Starts the database servers once for all test files and takes them down with their data. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  for (const name of strictlyRequired()) requirement(name);
  const kinds: ServerKind[] = [
    'postgres',
    ...(requirement('mariadb').available ? (['mariadb'] as const) : []),
  ];
  const servers = await startAll(kinds);
  const addresses = kinds.map((kind, index) => [kind, servers[index]!.address] as const);
  project.provide('databases', Object.fromEntries(addresses));
  return () => stopAll(servers);
}

async function startAll(kinds: ServerKind[]): Promise<DatabaseServer[]> {
  const starts = await Promise.allSettled(kinds.map((kind) => startServer(kind)));
  const servers = starts.filter((start) => start.status === 'fulfilled').map((start) => start.value);
  const failure = starts.find((start) => start.status === 'rejected');
  if (failure === undefined) return servers;
  await stopAll(servers);
  throw failure.reason;
}

async function stopAll(servers: DatabaseServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()));
}
