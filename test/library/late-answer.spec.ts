import { EventEmitter } from 'node:events';
import { ConsoleLogger, Controller, Get, type INestApplication, Inject, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import {
  TOKEN_EVENT,
  TokenEventsModule,
  TokenModule,
  type TokenModuleOptions,
  type TokenRef,
  TokenService,
} from '@tokenward/nestjs';
import { type AuthorizationServer, startAuthorizationServer } from '@tokenward/nestjs/testing';
import axios from 'axios';
import { expect, it } from 'vitest';
import { databaseModule, freshKeyring, startReplica } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';

const ada: TokenRef = { userId: 'ada', provider: 'acme' };

@Controller()
class RefreshController {
  constructor(@Inject(TokenService) private readonly tokens: TokenService) {}

  @Get()
  async refresh(): Promise<string> {
    return (await this.tokens.refreshTokens(ada)).value;
  }
}

const emitter = new EventEmitter();
@Module({ providers: [{ provide: EventEmitter, useValue: emitter }], exports: [EventEmitter] })
class EmitterModule {}

/** A replica with a way in by HTTP, which the shutdown waits for. */
async function listen(database: TestDatabase, options: TokenModuleOptions): Promise<INestApplication> {
  const module = await Test.createTestingModule({
    imports: [
      databaseModule(database),
      ScheduleModule.forRoot(),
      TokenModule.forRoot(options),
      TokenEventsModule.forEmitter(EventEmitter, { imports: [EmitterModule] }),
    ],
    controllers: [RefreshController],
  })
    .setLogger(new ConsoleLogger({ logLevels: [] }))
    .compile();
  const app = module.createNestApplication();
  await app.listen(0, '127.0.0.1');
  return app;
}

describeOnEachDatabase(
  'A request that is still being answered when the time of the shutdown is up',
  ({ createDatabase }) => {
    it('gets its token, the session lives on, and the host hears of the refresh', async () => {
      const server: AuthorizationServer = await startAuthorizationServer({ mode: 'strict' });
      const database = await createDatabase();
      const options: TokenModuleOptions = {
        providers: { acme: { ...server.provider, reuseGraceSeconds: 0 } },
        encryption: { keyring: freshKeyring() },
        refresh: { ahead: false, shutdownSeconds: 1 },
        cleanup: false,
        revocation: false,
        rotation: false,
        cache: false,
      };
      const witness = await startReplica(database, options);
      await witness.tokens.storeTokens(ada, await server.mint('ada'));
      const app = await listen(database, options);
      const heard: unknown[] = [];
      emitter.on(TOKEN_EVENT.refreshed, (event: unknown) => heard.push(event));
      const release = server.faults.holdReply();
      const asked = axios.get<string>(await app.getUrl(), { headers: { connection: 'close' } });
      await expect.poll(() => server.oracle.exchanges).toBe(1);
      const closed = app.close();
      const replicas = () => witness.dataSource.query('SELECT id FROM tokenward_replicas');
      await expect.poll(replicas, { timeout: 90_000 }).toHaveLength(1);
      release();
      expect(server.oracle.issued).toContain((await asked).data);
      await closed;
      const stored = await witness.tokens.getTokens(ada);
      expect(stored!.accessToken.value).toBe((await asked).data);
      expect(server.oracle.aliveRefreshTokens()).toEqual([stored!.refreshToken!.value]);
      expect(heard).toHaveLength(1);
      await witness.close();
      await database.drop();
      await server.stop();
    });
  },
  ['postgres', 'mariadb'],
);
