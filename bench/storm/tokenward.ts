import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import { tokenEntities, tokenMigrations, TokenModule, TokenService } from '@tokenward/nestjs';
import { ageTokens } from '@tokenward/nestjs/testing';
import { DataSource } from 'typeorm';
import type { Caller, Contender, Setup } from './contender.js';

@Module({})
class Root {}

/** An application with nothing but the library, jobs and cache as they are by default. */
export async function startApplication({ database, issuer, clientId, clientSecret, keyring }: Setup) {
  const imports = [
    TypeOrmModule.forRoot({
      ...database,
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
      migrationsRun: true,
    }),
    ScheduleModule.forRoot(),
    TokenModule.forRoot({
      providers: { acme: { issuer, clientId, clientSecret, allowInsecureRequests: true } },
      encryption: { keyring },
    }),
  ];
  return NestFactory.createApplicationContext({ module: Root as Type, imports }, { logger: false });
}

export const contender: Contender = {
  async store(setup, logins) {
    const app = await startApplication(setup);
    for (const { userId, tokens } of logins)
      await app.get(TokenService).storeTokens({ userId, provider: 'acme' }, { ...tokens });
    await ageTokens(app.get(DataSource), logins[0]!.tokens.expires_in);
    await app.close();
  },
  async open(setup): Promise<Caller> {
    const app = await startApplication(setup);
    const tokens = app.get(TokenService);
    return {
      getAccessToken: async (userId) => (await tokens.getAccessToken({ userId, provider: 'acme' })).value,
      end: () => app.close(),
    };
  },
};
