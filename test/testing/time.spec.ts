import { ScheduleModule } from '@nestjs/schedule';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  ProviderUnavailableError,
  TokenMaintenance,
  TokenModule,
  TokenNotFoundError,
  type TokenRef,
  TokenService,
} from '@tokenward/nestjs';
import {
  ageTokens,
  type AuthorizationServer,
  Clock,
  DatabaseFaults,
  FixedClock,
  startAuthorizationServer,
} from '@tokenward/nestjs/testing';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { databaseModule, freshKeyring, type Replica, startReplica } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';

describeOnEachDatabase('Time under control', ({ createDatabase }) => {
  const ref: TokenRef = { userId: 'ada', provider: 'acme' };
  let clock: FixedClock;
  let server: AuthorizationServer;
  let database: TestDatabase;
  let module: TestingModule;
  let tokens: TokenService;
  let dataSource: DataSource;
  let other: Replica;

  beforeEach(async () => {
    clock = new FixedClock();
    server = await startAuthorizationServer({ mode: 'strict', now: clock.now });
    database = await createDatabase();
    const options = {
      providers: { acme: server.provider },
      encryption: { keyring: freshKeyring() },
      // Whoever hears of the others' writes drops a token at once.
      refresh: { ahead: false as const, liveness: 'lease' as const },
      cleanup: false as const,
      rotation: false as const,
    };
    module = await Test.createTestingModule({
      imports: [databaseModule(database), ScheduleModule.forRoot(), TokenModule.forRoot(options)],
    })
      .overrideProvider(Clock)
      .useValue(clock)
      .compile();
    await module.init();
    tokens = module.get(TokenService);
    dataSource = module.get(DataSource);
    other = await startReplica(database, options);
    await tokens.storeTokens(ref, { ...(await server.mint('ada')) });
  });
  afterEach(async () => {
    await module.close();
    await other.close();
    await database.drop();
    await server.stop();
  });

  it('keeps a token in memory until the clock has gone a second further, where it hears nothing of others', async () => {
    const { value } = await tokens.getAccessToken(ref);
    await other.tokens.revokeTokens(ref);
    await clock.advance(999);
    expect((await tokens.getAccessToken(ref)).value).toBe(value);
    await clock.advance(1);
    await expect(tokens.getAccessToken(ref)).rejects.toThrow(TokenNotFoundError);
  });

  it('stores a refreshed token set again when the pause after a failed write is over', async () => {
    const faults = new DatabaseFaults(dataSource);
    faults.fail(/UPDATE .* SET status = 'active', generation/s, 'before');
    const { sleeping } = clock;
    const refreshing = tokens.refreshTokens(ref);
    await expect.poll(() => clock.sleeping).toBe(sleeping + 1);
    expect(await other.tokens.listTokens({ userId: 'ada' })).toMatchObject([{ generation: 1 }]);
    await clock.advance(2_000);
    await refreshing;
    expect(await other.tokens.listTokens({ userId: 'ada' })).toMatchObject([{ generation: 2 }]);
    expect(server.oracle).toMatchObject({ exchanges: 1, reuses: 0 });
  });

  it('refreshes ahead what has become old at the database', async () => {
    const maintenance = module.get(TokenMaintenance);
    await maintenance.refreshAhead();
    expect(server.oracle.exchanges).toBe(0);
    await ageTokens(dataSource, 270);
    await maintenance.refreshAhead();
    expect(server.oracle.exchanges).toBe(1);
    await maintenance.refreshAhead();
    expect(server.oracle.exchanges).toBe(1);
  });

  it('refreshes for a caller what has expired at the database', async () => {
    const { value } = await tokens.getAccessToken(ref);
    await clock.advance(300_000);
    await ageTokens(dataSource, 300);
    const fresh = await tokens.getAccessToken(ref);
    expect(fresh.value).not.toBe(value);
    expect(server.oracle.exchanges).toBe(1);
  });

  it('leaves a busy server alone until the back-off has gone by at the database', async () => {
    server.faults.throttle(503, 600);
    await expect(tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    await ageTokens(dataSource, 590);
    await expect(tokens.refreshTokens(ref)).rejects.toThrow(ProviderUnavailableError);
    expect(server.oracle.requests).toHaveLength(1);
    await ageTokens(dataSource, 10);
    await clock.advance(10_000);
    await expect(tokens.refreshTokens(ref)).resolves.toBeDefined();
  });

  it.each([-1, Number.NaN])('does not age tokens by %s seconds', async (seconds) => {
    await expect(ageTokens(dataSource, seconds)).rejects.toMatchObject({ field: 'seconds' });
  });
});
