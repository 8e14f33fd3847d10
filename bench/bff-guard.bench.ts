import { randomBytes } from 'node:crypto';
import { Controller, Get, Inject, Module, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import { tokenEntities, tokenMigrations, TokenModule } from '@tokenward/nestjs';
import {
  SessionGuard,
  SessionModule,
  type SessionRequest,
  type SessionResponse,
  SessionService,
} from '@tokenward/nestjs/session';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { createDatabaseAt } from '../test/faults/stage/create-database.js';
import { startServer } from '../test/support/servers/start.js';
import { statementsOf } from '../test/support/session/statements.js';

const SESSIONS = 100;

@Controller()
class PlainController {
  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Post('login/:user')
  async logIn(
    @Param('user') userId: string,
    @Req() request: SessionRequest,
    @Res({ passthrough: true }) response: SessionResponse,
  ): Promise<void> {
    await this.sessions.start(request, response, { userId });
  }

  @Get('mine')
  @UseGuards(SessionGuard)
  mine(): string {
    return 'yours';
  }
}

@Module({})
class GuardedModule {}

/** What `SessionGuard` asks of the database, on PostgreSQL: requests of sessions that the process does not know yet, then the same again. */
export async function guardFigures(): Promise<object> {
  const server = await startServer('postgres');
  const { options, drop } = await createDatabaseAt('postgres', server.address);
  const app = await startApp(options);
  try {
    const cookies = await logIns(app);
    const statements = statementsOf(app.get(DataSource));
    const count = async (): Promise<string> => {
      const before = statements.length;
      for (const cookie of cookies) {
        const headers = { cookie, 'x-tokenward-csrf': '1' };
        const { statusCode } = await app.inject({ method: 'GET', url: '/mine', headers });
        if (statusCode !== 200) throw new Error(`the guarded route has answered ${statusCode}`);
      }
      return ((statements.length - before) / SESSIONS).toFixed(2);
    };
    return {
      id: 'BFF',
      what: 'statements of SessionGuard per request, session not in memory',
      ours: await count(),
      against: `${await count()} when it is in memory`,
      target: '<= 1.00 and 0',
    };
  } finally {
    await app.close();
    await drop();
    await server.stop();
  }
}

async function startApp(database: DataSourceOptions): Promise<NestFastifyApplication> {
  const module = {
    module: GuardedModule,
    imports: [
      TypeOrmModule.forRoot({
        ...database,
        entities: [...tokenEntities],
        migrations: [...tokenMigrations],
        migrationsRun: true,
      }),
      ScheduleModule.forRoot(),
      TokenModule.forRoot({
        providers: { acme: { tokenEndpoint: 'https://id.example.com/token', clientId: 'bench' } },
        encryption: { keyring: `1:${randomBytes(32).toString('base64')}` },
        refresh: { ahead: false },
        cleanup: false,
        revocation: false,
        rotation: false,
      }),
      SessionModule.forRoot(),
    ],
    controllers: [PlainController],
  };
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
    logger: false,
  });
  return app.init();
}

async function logIns(app: NestFastifyApplication): Promise<string[]> {
  const cookies: string[] = [];
  for (let user = 0; user < SESSIONS; user++) {
    const { headers } = await app.inject({ method: 'POST', url: `/login/user-${user}` });
    cookies.push(String(headers['set-cookie']).split(';')[0]!);
  }
  return cookies;
}
