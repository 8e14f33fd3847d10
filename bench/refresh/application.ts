import { randomBytes } from 'node:crypto';
import { type INestApplicationContext, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import { tokenEntities, tokenMigrations, TokenModule, TokenService } from '@tokenward/nestjs';
import type { DataSourceOptions } from 'typeorm';
import type { Login, Served } from './provider.process.js';

@Module({})
class Root {}

/** One process of an application, without jobs that would refresh on their own. */
export async function startApplication(
  database: DataSourceOptions,
  { tokenEndpoint, clientId, clientSecret }: Served,
  logins: readonly Login[],
): Promise<INestApplicationContext> {
  const provider = { tokenEndpoint, clientId, clientSecret, allowInsecureRequests: true };
  const imports = [
    TypeOrmModule.forRoot({
      ...database,
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
      migrationsRun: true,
    }),
    ScheduleModule.forRoot(),
    TokenModule.forRoot({
      providers: { acme: provider },
      encryption: { keyring: `1:${randomBytes(32).toString('base64')}` },
      refresh: { ahead: false },
      cleanup: false,
      revocation: false,
      rotation: false,
    }),
  ];
  const app = await NestFactory.createApplicationContext(
    { module: Root as Type, imports },
    { logger: false },
  );
  const tokens = app.get(TokenService);
  for (const [index, login] of logins.entries())
    await tokens.storeTokens({ userId: `user-${index}`, provider: 'acme' }, { ...login });
  return app;
}
