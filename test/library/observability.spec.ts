import { readFile } from 'node:fs/promises';
import { format, inspect } from 'node:util';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import {
  LineageEntity,
  TokenMaintenance,
  TokenModule,
  type TokenModuleOptions,
  TokenService,
} from '@tokenward/nestjs';
import { TokenHealthModule } from '@tokenward/nestjs/health';
import { TokenCollectorsModule } from '@tokenward/nestjs/metrics';
import { DatabaseFaults } from '@tokenward/nestjs/testing';
import axios from 'axios';
import { register } from 'prom-client';
import { DataSource } from 'typeorm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { databaseModule, freshKeyring, PROVIDER, tokenOptions } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { startProvider, type TestProvider } from '../support/provider.js';

const LOOK_FOR_TABLES = /SELECT 1 FROM .* UNION ALL/;

/** Keeps all that is logged, as a log file would. */
class LogKeeper implements LoggerService {
  readonly lines: string[] = [];
  readonly #keep =
    (level: string) =>
    (message: unknown, ...rest: unknown[]): void =>
      void this.lines.push(`${level} ${format(message, ...rest)}`);
  readonly log = this.#keep('log');
  readonly error = this.#keep('error');
  readonly warn = this.#keep('warn');
  readonly debug = this.#keep('debug');
  readonly verbose = this.#keep('verbose');

  get text(): string {
    return this.lines.join('\n');
  }
}

let provider: TestProvider;
let database: TestDatabase;
let log: LogKeeper;
const apps: INestApplication[] = [];
const ada = { userId: 'ada', provider: PROVIDER };

beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.stop());
beforeEach(async () => {
  database = await createDatabase('sqlite');
  log = new LogKeeper();
});
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
  await database.drop();
});

async function start(
  options: TokenModuleOptions,
  ...more: (typeof TokenCollectorsModule)[]
): Promise<{ app: INestApplication; get: (path: string) => Promise<{ status: number; data: unknown }> }> {
  const module = await Test.createTestingModule({
    imports: [
      databaseModule(database),
      ScheduleModule.forRoot(),
      TokenModule.forRoot(options),
      TokenHealthModule,
      ...more,
    ],
  })
    .setLogger(log)
    .compile();
  const app = module.createNestApplication();
  await app.listen(0, '127.0.0.1');
  apps.push(app);
  const origin = await app.getUrl();
  return { app, get: (path) => axios.get(origin + path, { validateStatus: () => true }) };
}

describe('A replica with a wrong keyring', () => {
  it('is live but not ready, and says why in health and log', async () => {
    const right = tokenOptions(provider);
    const { app } = await start(right);
    await app.get(TokenService).storeTokens(ada, { access_token: 'kept' });
    for (const [keyring, reason] of [
      [
        freshKeyring('1'),
        /KEK_UNWRAP_FAILED: the key with id "1" in the keyring is not the one that wrapped/,
      ],
      [freshKeyring('2'), /KEK_UNAVAILABLE: the keyring has no key with id "1"/],
    ] as const) {
      log.lines.length = 0;
      const { get } = await start({ ...right, encryption: { keyring } });
      expect((await get('/health/live')).status).toBe(200);
      const ready = await get('/health/ready');
      expect(ready.status).toBe(503);
      expect(ready.data).toMatchObject({
        error: { keys: { status: 'down', reason: expect.stringMatching(reason) } },
        info: { database: { status: 'up' } },
      });
      expect(log.text).toMatch(/error NOT READY: KEK_/);
      expect(log.text).not.toContain(keyring.split(':')[1]);
    }
  });
});

describe('A replica whose database is away', () => {
  it('is live but not ready', async () => {
    const { app, get } = await start(tokenOptions(provider));
    expect((await get('/health/ready')).status).toBe(200);
    await app.get(DataSource).destroy();
    expect((await get('/health/live')).status).toBe(200);
    expect(await get('/health/ready')).toMatchObject({
      status: 503,
      data: { error: { database: { status: 'down' } } },
    });
    await app.get(DataSource).initialize();
    expect((await get('/health/ready')).status).toBe(200);
  });

  it('says so although the database keeps it waiting, and is ready again before that query has ended', async () => {
    const { app, get } = await start(tokenOptions(provider));
    const faults = new DatabaseFaults(app.get(DataSource));
    const { release } = faults.hold(LOOK_FOR_TABLES);
    expect(await get('/health/ready')).toMatchObject({
      status: 503,
      data: { error: { database: { reason: 'the database does not answer' } } },
    });
    await expect.poll(async () => (await get('/health/ready')).status).toBe(200);
    release();
  });

  it('shows what it has counted in the first scrape, and no number that it cannot know', async () => {
    const { app } = await start(tokenOptions(provider), TokenCollectorsModule);
    await app.get(TokenService).storeTokens(ada, { access_token: 'a', refresh_token: 'r' });
    const counted = ['tokens{status="active"} 1', 'data_keys{state="active"} 1', 'sessions 0'];
    const first = await register.metrics();
    for (const line of counted) expect(first).toContain(`\ntokenward_${line}\n`);
    await app.get(DataSource).destroy();
    const again = await start(tokenOptions(provider), TokenCollectorsModule);
    await again.app.get(DataSource).destroy();
    const away = await register.metrics();
    expect(away).not.toMatch(/^tokenward_(?:tokens|data_keys|sessions)[ {]/m);
    expect(away).toContain('tokenward_token_reads_total');
    for (const one of [app, again.app]) await one.get(DataSource).initialize();
  });
});

describe('A replica whose tables are gone', () => {
  it('is not ready and says which command brings them back', async () => {
    const { app, get } = await start(tokenOptions(provider));
    await app.get(DataSource).query('DROP TABLE tokenward_tokens');
    expect(await get('/health/ready')).toMatchObject({
      status: 503,
      data: { error: { database: { reason: expect.stringMatching(/no table .*migration:run/) } } },
    });
  });
});

describe('A replica whose provider is away', () => {
  it('stays ready', async () => {
    const { get } = await start(
      tokenOptions(provider, {
        providers: { [PROVIDER]: { issuer: 'https://127.0.0.1:1', clientId: 'app' } },
      }),
    );
    expect((await get('/health/ready')).status).toBe(200);
  });
});

describe('A replica whose provider asks to be left alone', () => {
  it('stays ready, and says so once in the log, in health and in the metrics', async () => {
    const { app, get } = await start(tokenOptions(provider), TokenCollectorsModule);
    const tokens = app.get(TokenService);
    await tokens.storeTokens(ada, { access_token: 'first', refresh_token: 'unused', expires_in: 3600 });
    provider.faults.throttle(503, 600);
    for (let call = 0; call < 5; call++)
      await expect(tokens.refreshTokens(ada)).rejects.toMatchObject({ retryAfter: expect.any(Number) });
    expect(log.lines.filter((line) => line.includes('is left alone'))).toEqual([
      'warn acme is left alone: throttled. One probe asks again, in 600 s at the earliest; valid tokens are served meanwhile. Tokenward',
    ]);
    expect(await get('/health/ready')).toMatchObject({
      status: 200,
      data: {
        info: {
          providers: {
            status: 'up',
            degraded: { acme: { failure: 'throttled', retryAfter: expect.any(Number) } },
          },
        },
      },
    });
    const metrics = await register.metrics();
    expect(metrics).toMatch(/^tokenward_provider_circuit_open\{provider="acme"\} 1$/m);
    expect(metrics).toMatch(/^tokenward_provider_retry_seconds\{provider="acme"\} [1-9]/m);
    expect(metrics).toMatch(/^tokenward_circuit_openings_total\{provider="acme"\} 1$/m);
    expect(metrics).toMatch(
      /^tokenward_refreshes_refused_total\{provider="acme",reason="circuit_open"\} [1-4]$/m,
    );
  });
});

describe('A replica that holds refresh tokens since a restore', () => {
  it('stays ready, and says so in the log, in health and in the metrics', async () => {
    const options = tokenOptions(provider);
    const first = await start(options);
    await first.app
      .get(TokenService)
      .storeTokens(ada, { access_token: 'a', refresh_token: 'r', expires_in: 9 });
    const before = Date.now() + 1;
    await first.app
      .get(DataSource)
      .getRepository(LineageEntity)
      .update({ onlyOne: 1 }, { heldBefore: before });
    const { app, get } = await start(options, TokenCollectorsModule);
    await expect(app.get(TokenService).refreshTokens(ada)).rejects.toThrow(/held_after_restore/);
    const heldBefore = new Date(before).toISOString();
    expect(await get('/health/ready')).toMatchObject({
      status: 200,
      data: { info: { restore: { status: 'up', heldBefore } } },
    });
    expect(log.text).toContain(`warn refresh tokens from before ${heldBefore} are held`);
    expect(await register.metrics()).toMatch(/^tokenward_tokens_held\{provider="acme"\} 1$/m);
    expect(await register.metrics()).toMatch(
      /^tokenward_refreshes_refused_total\{provider="acme",reason="held_after_restore"\} 1$/m,
    );
    expect(await app.get(TokenMaintenance).releaseHeld({ actor: 'on-call' })).toBe(1);
    expect(log.text).toContain('warn 1 held token sets were released by on-call');
    expect(JSON.stringify((await get('/health/ready')).data)).not.toContain('heldBefore');
  });
});

describe('A replica whose provider does not take revocations', () => {
  it('stays ready, and counts what waits and what was given up', async () => {
    const closed = 'http://127.0.0.1:1';
    const acme = { tokenEndpoint: closed, revocationEndpoint: closed, clientId: 'app' };
    const options = tokenOptions(provider, {
      providers: {
        [PROVIDER]: { ...acme, allowInsecureRequests: true },
        mute: { tokenEndpoint: closed, clientId: 'app', allowInsecureRequests: true },
      },
    });
    const { app, get } = await start(options, TokenCollectorsModule);
    const tokens = app.get(TokenService);
    for (const ref of [ada, { ...ada, account: 'second' }, { ...ada, provider: 'mute' }])
      await tokens.storeTokens(ref, { access_token: 'a', refresh_token: 'r' });
    await tokens.revokeTokens(ada);
    expect(await tokens.revokeAll({ userId: 'ada' })).toBe(2);
    await app.get(TokenMaintenance).revokePending();
    expect((await get('/health/ready')).status).toBe(200);
    expect(log.text).toMatch(/warn revocation at acme is tried again later: \w+ \(row /);
    expect(log.text).toMatch(/warn revocation at mute failed: no_revocation_endpoint/);
    const metrics = await register.metrics();
    expect(metrics).toMatch(/revocations_pending\{provider="acme"\} 2/);
    expect(metrics).toContain('tokenward_revocations_total{provider="acme",outcome="postponed"} 2');
    expect(metrics).toContain('tokenward_revocations_total{provider="mute",outcome="given_up"} 1');
    expect(metrics).toContain('tokenward_revocation_failures_total{provider="mute"} 1');
    expect(metrics).toContain('tokenward_job_runs_total{job="revoke",outcome="succeeded"} 1');
  });
});

describe('The metrics of a replica that has just started', () => {
  it('have every series that an alert needs at 0, so that the first event is an increase', async () => {
    await start(tokenOptions(provider), TokenCollectorsModule);
    const metrics = await register.metrics();
    for (const series of [
      'decryption_failures_total{reason="AUTH_FAILED"}',
      'refreshes_total{provider="acme",outcome="client_rejected"}',
      'refreshes_refused_total{provider="acme",reason="rate_limited"}',
      'spooled_answers_total{provider="acme",outcome="lost"}',
      'job_runs_total{job="refresh_ahead",outcome="succeeded"}',
      'job_runs_total{job="clean_up",outcome="failed"}',
      'revocation_failures_total{provider="acme"}',
    ])
      expect(metrics).toContain(`\ntokenward_${series} `);
  });
});

describe('Log, errors and database', () => {
  it('hold no token, whatever happens to it', async () => {
    const { app } = await start(tokenOptions(provider));
    const tokens = app.get(TokenService);
    const secrets = new Set<string>([provider.clientSecret]);
    const errors: unknown[] = [];
    const attempt = (work: Promise<unknown>) => work.catch((error: unknown) => errors.push(error));
    const login = async () => {
      const minted = await provider.mintTokens({ sub: 'ada' });
      for (const value of [minted.access_token, minted.refresh_token, minted.id_token]) secrets.add(value);
      await tokens.storeTokens(ada, minted);
      return minted;
    };

    const minted = await login();
    await attempt(tokens.refreshTokens(ada));
    provider.faults.fail(500, {}, { error: minted.access_token, error_description: minted.refresh_token });
    await attempt(tokens.refreshTokens(ada));
    await login();
    provider.faults.fail(
      200,
      {},
      { access_token: `${minted.access_token}\n`, refresh_token: 5, id_token: minted.id_token },
    );
    await attempt(tokens.refreshTokens(ada));
    await login();
    provider.faults.dropReplyAfterProcessing();
    await attempt(tokens.refreshTokens(ada));
    await attempt(tokens.storeTokens(ada, { access_token: `${minted.access_token}\r\n` }));
    await attempt(
      tokens.storeTokens(ada, { access_token: minted.access_token, id_token: minted.refresh_token }),
    );
    await login();
    await attempt(tokens.revokeTokens(ada));
    for (const value of provider.oracle.issued) secrets.add(value);

    const file = await readFile((database.options as { database: string }).database, 'latin1');
    const shown = {
      log: log.text,
      errors: inspect(errors, { depth: Infinity, showHidden: true }),
      json: JSON.stringify(errors),
      database: file,
    };
    expect(errors.length).toBeGreaterThanOrEqual(4);
    expect(shown.database).toContain('tm1.');
    expect(shown.log).toMatch(/refresh at acme: unavailable/);
    for (const [place, content] of Object.entries(shown)) {
      for (const secret of secrets) expect(content.includes(secret), `a secret in ${place}`).toBe(false);
    }
  });
});
