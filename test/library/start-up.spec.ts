import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  tokenEntities,
  tokenMigrations,
  TokenModule,
  type TokenModuleOptions,
  TokenService,
} from '@tokenward/nestjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freshKeyring } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';

const options = (more: Partial<TokenModuleOptions> = {}): TokenModuleOptions => ({
  providers: { acme: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
  encryption: { keyring: freshKeyring() },
  ...more,
});

describeOnEachDatabase('Start-up', ({ createDatabase }) => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(() => database.drop());

  const start = async (imports: unknown[]) => {
    const module = await Test.createTestingModule({ imports: imports as never[] }).compile();
    try {
      await module.init();
    } finally {
      await module.close();
    }
  };
  const typeOrm = (more: object = {}) =>
    TypeOrmModule.forRoot({
      ...database.options,
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
      retryAttempts: 0,
      ...more,
    });

  it('without the tables says in one sentence which command makes them', async () => {
    await expect(
      start([typeOrm(), ScheduleModule.forRoot(), TokenModule.forRoot(options())]),
    ).rejects.toMatchObject({
      code: 'TABLES_MISSING',
      message: expect.stringMatching(/no table .*tokenward_tokens.*npx typeorm migration:run/s),
    });
  });

  it('works with tables made by migrations or by synchronize', async () => {
    await expect(
      start([typeOrm({ migrationsRun: true }), ScheduleModule.forRoot(), TokenModule.forRoot(options())]),
    ).resolves.toBeUndefined();
    await expect(
      start([typeOrm({ synchronize: true }), ScheduleModule.forRoot(), TokenModule.forRoot(options())]),
    ).resolves.toBeUndefined();
  });
});

describe('Start-up', () => {
  afterEach(() => vi.unstubAllEnvs());

  const sqlite = (more: object = {}) =>
    TypeOrmModule.forRoot({
      type: 'better-sqlite3',
      database: ':memory:',
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
      migrationsRun: true,
      retryAttempts: 0,
      ...more,
    });
  const compile = (...imports: unknown[]) =>
    Test.createTestingModule({ imports: imports as never[] }).compile();

  it('lists every fault of the options in one error', async () => {
    const bad = {
      providers: { acme: { issuer: 'http://id.example.com', clientId: '' } },
      encryption: { keyring: 'x' },
    };
    await expect(
      compile(sqlite(), ScheduleModule.forRoot(), TokenModule.forRootAsync({ useFactory: () => bad })),
    ).rejects.toThrow(/faults:.*providers\.acme\.clientId.*providers\.acme\.issuer.*encryption\.keyring/s);
  });

  it('without ScheduleModule says that the jobs would never run', async () => {
    const module = await compile(sqlite(), TokenModule.forRoot(options()));
    await expect(module.init()).rejects.toThrow(/ScheduleModule\.forRoot\(\)/);
    await module.close();
  });

  it('without ScheduleModule works when the jobs are off', async () => {
    const module = await compile(
      sqlite(),
      TokenModule.forRoot(
        options({ cleanup: false, revocation: false, rotation: false, refresh: { ahead: false } }),
      ),
    );
    await expect(module.init()).resolves.toBeDefined();
    await module.close();
  });

  it('without TypeORM, or without the entities, says what to import', async () => {
    await expect(compile(TokenModule.forRoot(options()))).rejects.toThrow(
      /import `TypeOrmModule\.forRoot\(\)`/,
    );
    await expect(
      compile(sqlite({ entities: [], migrations: [] }), TokenModule.forRoot(options())),
    ).rejects.toThrow(/entities: \[\.\.\.tokenEntities\]/);
  });

  it('refuses synchronize in production', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    await expect(
      compile(sqlite({ synchronize: true, migrationsRun: false }), TokenModule.forRoot(options())),
    ).rejects.toThrow(/`synchronize: true` in production/);
  });

  it('makes TokenService available to every module', async () => {
    @Module({
      providers: [{ provide: 'user', inject: [TokenService], useFactory: (tokens: TokenService) => tokens }],
    })
    class Feature {}
    const module = await compile(sqlite(), ScheduleModule.forRoot(), TokenModule.forRoot(options()), Feature);
    expect(module.get('user')).toBe(module.get(TokenService));
    await module.close();
  });
});
