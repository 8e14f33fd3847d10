import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { type DynamicModule, type LoggerService, Module } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import {
  type NamedTokenEvents,
  TOKEN_EVENT,
  TokenEntity,
  type TokenEventName,
  TokenEventsModule,
} from '@tokenward/nestjs';
import { type AuthorizationServer, startAuthorizationServer } from '@tokenward/nestjs/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LoginReminder, ReminderModule } from '../../examples/events.js';
import { freshKeyring, PROVIDER, type Replica, startReplica } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const clients: [{ clientId: string; clientSecret: string }] = [
  { clientId: 'app', clientSecret: 'secret-of-the-app-with-32-letters' },
];
const ada = { userId: 'ada', provider: PROVIDER };

let provider: AuthorizationServer;
let database: TestDatabase;
let replica: Replica;

beforeAll(async () => {
  provider = await startAuthorizationServer({ mode: 'strict', clients });
});
afterAll(() => provider.stop());
beforeEach(async () => {
  database = await createDatabase('sqlite');
});
afterEach(async () => {
  await replica.close();
  await database.drop();
});

const start = async (...imports: NonNullable<Parameters<typeof startReplica>[2]>['imports'] & object) => {
  replica = await startReplica(
    database,
    {
      providers: { [PROVIDER]: provider.provider },
      encryption: { keyring: freshKeyring() },
      refresh: { ahead: false },
      cleanup: false,
      revocation: false,
      rotation: false,
      cache: false,
    },
    { imports },
  );
  return replica;
};

/** A module of the host that has an emitter of its own. */
@Module({})
class EmitterModule {
  readonly name = 'emitter';
}
const providing = (emitter: EventEmitter): DynamicModule => ({
  module: EmitterModule,
  providers: [{ provide: EventEmitter, useValue: emitter }],
  exports: [EventEmitter],
});

/** One of each event: a log-in, a refresh, one that fails, one that ends the session, a log-out. */
async function live({ tokens, dataSource }: Replica): Promise<void> {
  const minted = await provider.mint('ada');
  await tokens.storeTokens(ada, minted);
  await tokens.refreshTokens(ada);
  // Not 503: that would keep everybody away from the provider for a while.
  provider.faults.fail(500, {}, { error: 'server_error' });
  await tokens.refreshTokens(ada).catch(() => undefined);
  await dataSource.query('UPDATE tokenward_tokens SET retry_after = NULL');
  const { id_token: _unused, ...again } = minted;
  await tokens.storeTokens(ada, again);
  await tokens.refreshTokens(ada).catch(() => undefined);
  await tokens.storeTokens(ada, await provider.mint('ada'));
  await tokens.revokeTokens(ada);
}

const expected = [
  'stored',
  'refreshed',
  'refreshFailed',
  'stored',
  'refreshFailed',
  'reauthorizationRequired',
  'stored',
  'revoked',
] as const;

describe('A host with @nestjs/event-emitter', () => {
  it('hears by name what happens to tokens, with ids and outcomes and without a secret', async () => {
    await start(EventEmitterModule.forRoot({ wildcard: true }), TokenEventsModule.forEmitter(EventEmitter2));
    const heard: [TokenEventName, object][] = [];
    const emitter = replica.module.get(EventEmitter2);
    for (const name of Object.values(TOKEN_EVENT))
      emitter.on(name, (payload: object) => heard.push([name, payload]));
    let matching = 0;
    emitter.on('tokenward.*', () => matching++);
    await live(replica);
    expect(heard.map(([name]) => name)).toEqual(expected.map((key) => TOKEN_EVENT[key]));
    expect(matching).toBe(expected.length);
    const { id: recordId } = await replica.dataSource.getRepository(TokenEntity).findOneByOrFail({});
    for (const [, payload] of heard) expect(payload).toMatchObject({ provider: PROVIDER, recordId });
    expect(heard[2]![1]).toMatchObject({ outcome: 'unavailable', reason: 'status 500' });
    expect(heard[4]![1]).toMatchObject({ outcome: 'grant_rejected', reason: 'invalid_grant' });
    const text = JSON.stringify(heard);
    for (const unwanted of [...provider.oracle.issued, '"ada"']) expect(text).not.toContain(unwanted);
    expect(provider.oracle.issued.size).toBeGreaterThan(4);
  });

  it('reads the user from the table, as the example does', async () => {
    await start(ReminderModule);
    await live(replica);
    await expect.poll(() => [...replica.module.get(LoginReminder).toBeReminded]).toEqual(['ada']);
  });

  it('refreshes all the same when a listener throws or rejects, and is told of it', async () => {
    await start(EventEmitterModule.forRoot(), TokenEventsModule.forEmitter(EventEmitter2));
    const lines: unknown[] = [];
    const logger = { error: (line: unknown) => lines.push(line) } as unknown as LoggerService;
    for (const level of ['log', 'warn', 'debug'] as const) logger[level] = () => undefined;
    replica.module.useLogger(logger);
    const emitter = replica.module.get(EventEmitter2);
    const fail = (): never => {
      throw new Error('a message of the host');
    };
    emitter.on(TOKEN_EVENT.refreshed, fail);
    const reject = (): unknown => Promise.reject(new Error('a message of the host'));
    emitter.on(TOKEN_EVENT.stored, reject);
    await replica.tokens.storeTokens(ada, await provider.mint('ada'));
    const { value } = await replica.tokens.refreshTokens(ada);
    expect((await replica.tokens.getAccessToken(ada)).value).toBe(value);
    await expect
      .poll(() => lines)
      .toEqual([
        expect.stringMatching(/^a listener of tokenward\.stored has failed with Error;/),
        expect.stringMatching(/^a listener of tokenward\.refreshed has failed with Error;/),
      ]);
  });
});

describe('A host with an emitter of Node.js', () => {
  it('hears the same', async () => {
    const emitter = new EventEmitter();
    const heard: TokenEventName[] = [];
    for (const name of Object.values(TOKEN_EVENT)) emitter.on(name, () => heard.push(name));
    emitter.on(TOKEN_EVENT.revoked, () => {
      throw new Error('careless');
    });
    await start(TokenEventsModule.forEmitter(EventEmitter, { imports: [providing(emitter)] }));
    await live(replica);
    expect(heard).toEqual(expected.map((key) => TOKEN_EVENT[key]));
  });
});

describe('The table of events', () => {
  it('has the names that are emitted and what comes with them', async () => {
    const documented = new Map(
      [
        ...readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8').matchAll(
          /^\| `(tokenward\.\w+)` +\| (.+?) +\|/gm,
        ),
      ].map(([, name, fields]) => [name!, [...fields!.matchAll(/`(\w+)`/g)].map(([, field]) => field!)]),
    );
    const emitter = new EventEmitter();
    const seen = new Map<string, string[]>();
    for (const name of Object.values(TOKEN_EVENT))
      emitter.on(name, (payload: NamedTokenEvents[TokenEventName]) => seen.set(name, Object.keys(payload)));
    await start(TokenEventsModule.forEmitter(EventEmitter, { imports: [providing(emitter)] }));
    await live(replica);
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(documented));
    expect([...documented.keys()]).toEqual(Object.values(TOKEN_EVENT));
  });
});
