import { ScheduleModule } from '@nestjs/schedule';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  ReauthorizationRequiredError,
  tokenEntities,
  tokenMigrations,
  TokenModule,
  TokenService,
} from '@tokenward/nestjs';
import {
  ageTokens,
  type AuthorizationServer,
  Clock,
  FixedClock,
  startAuthorizationServer,
} from '@tokenward/nestjs/testing';
import { randomBytes } from 'node:crypto';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ada = { userId: 'ada', provider: 'acme' };

describe('my application', () => {
  const clock = new FixedClock();
  let server: AuthorizationServer;
  let app: TestingModule;
  let tokens: TokenService;

  beforeEach(async () => {
    server = await startAuthorizationServer({ mode: 'strict', now: clock.now });
    app = await Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({
          type: 'better-sqlite3',
          database: ':memory:',
          entities: [...tokenEntities],
          migrations: [...tokenMigrations],
          migrationsRun: true,
        }),
        ScheduleModule.forRoot(),
        TokenModule.forRoot({
          encryption: { keyring: `1:${randomBytes(32).toString('base64')}` },
          providers: { acme: server.provider },
        }),
      ],
    })
      .overrideProvider(Clock)
      .useValue(clock)
      .compile();
    await app.init();
    tokens = app.get(TokenService);
  });

  afterEach(async () => {
    await app.close();
    await server.stop();
  });

  it('refreshes once for fifty calls', async () => {
    const login = await server.mint('ada');
    await tokens.storeTokens(ada, { ...login });

    const answers = await Promise.all(
      Array.from({ length: 50 }, () => tokens.getAccessToken(ada, { forceRefresh: true })),
    );

    expect(new Set(answers.map(({ value }) => value)).size).toBe(1);
    expect(server.oracle.presentations(login.refresh_token)).toHaveLength(1);
    expect(server.oracle.reuses).toBe(0);
  });

  it('sends the user to the log-in when a strict provider has lost its reply', async () => {
    await tokens.storeTokens(ada, { ...(await server.mint('ada')) });
    server.faults.dropReplyAfterProcessing();

    await expect(tokens.refreshTokens(ada)).rejects.toThrow(ReauthorizationRequiredError);

    expect(server.oracle.reuses).toBe(0);
  });

  it('has a fresh token after an hour', async () => {
    await tokens.storeTokens(ada, { ...(await server.mint('ada')) });
    const { value } = await tokens.getAccessToken(ada);

    await clock.advance(3_600_000);
    await ageTokens(app.get(DataSource), 3_600);

    expect((await tokens.getAccessToken(ada)).value).not.toBe(value);
    const stored = await tokens.getTokens(ada);
    expect(server.oracle.aliveRefreshTokens()).toEqual([stored?.refreshToken?.value]);
  });
});
