import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication, LoggerService } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { TokenModule, type TokenModuleOptions, type TokenRef, TokenService } from '@tokenward/nestjs';
import { TokenHealthModule } from '@tokenward/nestjs/health';
import { TokenCollectorsModule } from '@tokenward/nestjs/metrics';
import {
  type AuthorizationServer,
  Clock,
  DatabaseFaults,
  FixedClock,
  startAuthorizationServer,
} from '@tokenward/nestjs/testing';
import axios from 'axios';
import { register } from 'prom-client';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseModule, freshKeyring } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { requirement } from '../support/optional.js';
import { SmallDisk } from '../support/small-disk.js';

const COMMIT = /UPDATE .* SET status = 'active', generation/s;
const keyring = freshKeyring();
const ada: TokenRef = { userId: 'ada', provider: 'acme' };

let server: AuthorizationServer;
let database: TestDatabase;
let app: INestApplication | null;
let lines: string[];

beforeEach(async () => {
  server = await startAuthorizationServer({ mode: 'strict' });
  database = await createDatabase('sqlite');
  app = null;
  lines = [];
});
afterEach(async () => {
  await app?.close();
  await database.drop();
  await server.stop();
});

const options = (refresh: TokenModuleOptions['refresh']): TokenModuleOptions => ({
  providers: { acme: server.provider },
  encryption: { keyring },
  refresh: { ahead: false, ...refresh },
  cleanup: false,
  revocation: false,
  rotation: false,
  cache: false,
});

async function start(
  refresh: TokenModuleOptions['refresh'],
  clock: Clock | null = null,
): Promise<INestApplication> {
  const keep = (line: unknown): void => void lines.push(String(line));
  const log: LoggerService = { log: keep, error: keep, warn: keep, debug: keep };
  const building = Test.createTestingModule({
    imports: [
      databaseModule(database),
      ScheduleModule.forRoot(),
      TokenModule.forRoot(options(refresh)),
      TokenHealthModule,
      TokenCollectorsModule,
    ],
  }).setLogger(log);
  if (clock) building.overrideProvider(Clock).useValue(clock);
  const module = await building.compile();
  app = module.createNestApplication();
  await app.listen(0, '127.0.0.1');
  const tokens = app.get(TokenService);
  if ((await tokens.getTokens(ada)) === null)
    await tokens.storeTokens(ada, { ...(await server.mint('ada')) });
  return app;
}

const health = async (): Promise<unknown> => {
  const { status, data } = await axios.get(`${await app!.getUrl()}/health/ready`, {
    validateStatus: () => true,
  });
  return { status, spool: (data as { details: Record<string, unknown> }).details['spool'] };
};
const gauge = async (name: string): Promise<string | undefined> =>
  (await register.metrics()).split('\n').find((line) => line.startsWith(`${name} `));

/** The commit fails once, so that the answer ought to be spooled; it is stored in the end all the same. */
async function refreshPastTrouble(): Promise<void> {
  new DatabaseFaults(app!.get(DataSource)).fail(COMMIT, 'before');
  const tokens = app!.get(TokenService);
  const token = await tokens.refreshTokens(ada);
  expect((await tokens.getAccessToken(ada)).value).toBe(token.value);
  expect(server.oracle.aliveRefreshTokens()).toEqual([(await tokens.getTokens(ada))!.refreshToken!.value]);
}

describe('Without a spool directory', () => {
  it('the log says once what that may cost', async () => {
    await start({});
    expect(lines.filter((line) => line.includes('refresh.spoolDirectory is not set'))).toHaveLength(1);
    expect(await health()).toEqual({ status: 200, spool: { status: 'up' } });
    await refreshPastTrouble();
  });
});

describe('A spool directory that cannot be used', () => {
  let parent: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'tokenward-spool-'));
  });
  afterEach(() => rm(parent, { recursive: true }));

  it('ends the start-up, together with the other faults', async () => {
    const file = join(parent, 'file');
    await writeFile(file, '');
    const starting = Test.createTestingModule({
      imports: [
        databaseModule(database),
        ScheduleModule.forRoot(),
        TokenModule.forRootAsync({
          useFactory: () => options({ spoolDirectory: join(file, 'spool'), timeoutSeconds: 0 }),
        }),
      ],
    }).compile();
    await expect(starting).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      problems: [
        'TokenModule refresh.timeoutSeconds: must be at least 1',
        `TokenModule refresh.spoolDirectory: ${join(file, 'spool')} cannot be created (ENOTDIR): name a directory that this process may write to`,
      ],
    });
  });

  it('because a file of it cannot be used says so and stays ready', async () => {
    const name = '11111111-1111-4111-8111-111111111111';
    await writeFile(join(parent, `${name}.spool`), '{"version":2}');
    await writeFile(join(parent, 'notes.txt'), 'is none of its business');
    await start({ spoolDirectory: parent });
    expect(await health()).toEqual({
      status: 200,
      spool: { status: 'up', unreadable: { SHAPE_INVALID: 1 } },
    });
    expect(lines).toContain(
      `spool file ${name} cannot be used: SHAPE_INVALID; it was kept as it is, the others go on`,
    );
    expect(await gauge('tokenward_spool_entries{state="unreadable"}')).toMatch(/ 1$/);
    expect(await gauge('tokenward_spool_entries{state="waiting"}')).toMatch(/ 0$/);
  });
});

describe('A file that a process was writing when it died', () => {
  it('is used when it has no other name for a while', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'tokenward-spool-'));
    const dying = await start({ spoolDirectory: parent, shutdownSeconds: 1 });
    const faults = new DatabaseFaults(dying.get(DataSource));
    for (let count = 0; count < 50; count++) faults.fail(COMMIT, 'before');
    const refreshing = dying
      .get(TokenService)
      .refreshTokens(ada)
      .catch((error: Error) => error.message);
    await expect.poll(() => readdir(parent)).toEqual([expect.stringMatching(/\.spool$/)]);
    await dying.close();
    expect(await refreshing).toMatch(/shutting down/);
    const [name] = await readdir(parent);
    await rename(join(parent, name!), join(parent, name!.replace('.spool', '.tmp')));
    const clock = new FixedClock();
    const next = await start({ spoolDirectory: parent }, clock);
    const generation = async () => (await next.get(TokenService).listTokens(ada))[0]!.generation;
    expect(await generation()).toBe(1);
    await clock.advance(20_000);
    expect(await generation()).toBe(1);
    await expect
      .poll(async () => {
        await clock.advance(5_000);
        return generation();
      })
      .toBe(2);
    await expect.poll(() => readdir(parent)).toEqual([]);
    await rm(parent, { recursive: true });
  });
});

describe.skipIf(!requirement('smallDisk').available)('A spool directory that becomes', () => {
  let disk: SmallDisk;
  beforeEach(async () => {
    disk = new SmallDisk();
    await start({ spoolDirectory: disk.path });
  });
  afterEach(async () => {
    await app?.close();
    app = null;
    disk.remove();
  });

  /** The health that says so. */
  const degradedBy = async (code: string): Promise<unknown> => {
    const degraded = `the spool directory cannot be written to: ${code}`;
    const spool = async () => ((await health()) as { spool: { degraded?: string } }).spool.degraded;
    await expect.poll(spool, { timeout: 90_000 }).toBe(degraded);
    expect(lines.filter((line) => line.startsWith(degraded))).toHaveLength(1);
    expect(await gauge('tokenward_spool_fault')).toBe('tokenward_spool_fault 1');
    return health();
  };

  it('full is seen without an outage, refreshes go on, and when there is room again all is well', async () => {
    disk.fill();
    expect(await degradedBy('ENOSPC')).toMatchObject({ status: 200, spool: { status: 'up' } });
    await refreshPastTrouble();
    expect(await gauge('tokenward_spooled_answers_total{provider="acme",outcome="failed"}')).toMatch(/ 1$/);
    disk.empty();
    await expect.poll(health, { timeout: 90_000 }).toEqual({ status: 200, spool: { status: 'up' } });
    expect(lines).toContain('the spool directory can be written to again');
    expect(await gauge('tokenward_spool_fault')).toBe('tokenward_spool_fault 0');
  });

  it('read-only is seen, and refreshes go on', async () => {
    disk.makeReadOnly();
    expect(await degradedBy('EROFS')).toMatchObject({ status: 200, spool: { status: 'up' } });
    await refreshPastTrouble();
  });
});
