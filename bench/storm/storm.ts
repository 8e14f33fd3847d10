import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { type AuthorizationServer, startAuthorizationServer } from '@tokenward/nestjs/testing';
import { times } from '../../test/faults/stage/measure.js';
import { createDatabaseAt } from '../../test/faults/stage/create-database.js';
import { Member } from '../../test/support/rotation/member.js';
import type { ServerAddress, ServerKind } from '../../test/support/servers/server.js';
import type { Methods, Orders } from './caller.process.js';
import type { Login, Setup } from './contender.js';

export const PROCESSES = 4;
export const CALLS = 1_000;
/** What the provider takes to answer, on top of its own work. */
export const LATENCY_MS = 100;
/** Longer than any library refreshes ahead of an expiry. */
const LIFETIME_SECONDS = 3_600;
const FILE = fileURLToPath(new URL('caller.process.ts', import.meta.url));
const CLIENT = { clientId: 'bench', clientSecret: 'bench-secret-of-more-than-32-characters' };

export interface StormOutcome {
  /** Presentations of the refresh token that the provider has seen. */
  exchanges: number;
  failed: number;
  milliseconds: number[];
  /** The user is still logged in: no reuse was found, and the provider's API takes the access token of the next call. */
  alive: boolean;
}

type Process = Member<Methods, Orders>;

/**
 * In each: one user, one expired access token, one refresh token that is good once, and everybody wants a token at once. So
 * many storms go before them uncounted: processes that have just begun are busy with compiling what they run.
 */
export async function storms(
  count: number,
  warmUps: number,
  contender: string,
  kind: ServerKind,
  address: ServerAddress,
): Promise<StormOutcome[]> {
  const server = await startAuthorizationServer({
    mode: 'strict',
    accessTokenLifetimeSeconds: LIFETIME_SECONDS,
    clients: [CLIENT],
  });
  const { options, drop } = await createDatabaseAt(kind, address);
  const setup = {
    database: options as Setup['database'],
    issuer: server.issuer,
    ...CLIENT,
    keyring: `1:${randomBytes(32).toString('base64')}`,
  };
  const processes = await Promise.all(
    times(PROCESSES, () =>
      new Member<Methods, Orders>(FILE, process.execArgv).begin({ contender, setup }, () => undefined),
    ),
  );
  try {
    const users = times(warmUps + count, (index) => `user-${index}`);
    const login = async (userId: string): Promise<Login> => ({
      userId,
      tokens: await server.mint(userId, { scope: 'openid profile offline_access api' }),
    });
    await processes[0]!.call('store', await Promise.all(users.map(login)));
    await Promise.all(processes.map((one) => one.call('open')));
    const outcomes: StormOutcome[] = [];
    for (const user of users) outcomes.push(await storm(server, processes, user));
    return outcomes.slice(warmUps);
  } finally {
    await Promise.all(processes.map((one) => one.leave()));
    await server.stop();
    await drop();
  }
}

const callAll = (processes: Process[], user: string) =>
  Promise.all(processes.map((one) => one.call('storm', user, CALLS / PROCESSES)));

async function storm(server: AuthorizationServer, processes: Process[], user: string): Promise<StormOutcome> {
  const { faults, oracle } = server;
  const [requests, revoked] = [oracle.requests.length, oracle.revokedGrants.length];
  faults.slowReply(LATENCY_MS, CALLS);
  const parts = await callAll(processes, user);
  faults.clear();
  return {
    exchanges: oracle.requests.length - requests,
    failed: parts.flatMap(({ failures }) => failures).length,
    milliseconds: parts.flatMap(({ milliseconds }) => milliseconds),
    alive: oracle.revokedGrants.length === revoked && (await isAlive(server, processes[0]!, user)),
  };
}

async function isAlive({ issuer }: AuthorizationServer, one: Process, user: string): Promise<boolean> {
  const token = await one.call('get', user).catch(() => null);
  return (await fetch(`${issuer}/me`, { headers: { authorization: `Bearer ${token}` } })).ok;
}
