// What a user of the package writes first; built and run outside the repository by ../run.mjs.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  TokenModule,
  TokenNotFoundError,
  TokenService,
  tokenEntities,
  tokenMigrations,
  type TokenRef,
} from '@tokenward/nestjs';

const setting = (name: string): string => {
  const value = process.env[name];
  assert(value, `${name} is not set`);
  return value;
};

@Module({
  imports: [
    ScheduleModule.forRoot(),
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: setting('DATABASE_URL'),
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
      migrationsRun: true,
    }),
    TokenModule.forRootAsync({
      useFactory: () => ({
        encryption: { keyring: setting('TOKEN_KEYRING') },
        providers: {
          example: {
            tokenEndpoint: setting('TOKEN_ENDPOINT'),
            clientId: 'consumer',
            clientSecret: 'consumer-secret',
            allowInsecureRequests: true,
          },
        },
      }),
    }),
  ],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
const tokens = app.get(TokenService);
const ada: TokenRef = { userId: 'ada', provider: 'example' };

await tokens.storeTokens(ada, {
  access_token: 'access-0',
  refresh_token: 'refresh-0',
  token_type: 'Bearer',
  expires_in: 3600,
  scope: 'read',
});
const stored = await tokens.getTokens(ada);
assert.equal(stored?.accessToken.value, 'access-0');
assert.equal(stored.refreshToken?.value, 'refresh-0');
assert.equal(stored.scope, 'read');
assert(!inspect(stored, { depth: 9 }).includes('access-0'), 'a token shows in inspect');
console.log('stores tokens and reads them');

const current = await tokens.getAccessToken(ada);
assert.equal(current.value, 'access-0');
assert(current.expiresAt && current.expiresAt.getTime() > Date.now());
console.log('hands out the access token');

const refreshed = await tokens.refreshTokens(ada);
assert.equal(refreshed.value, 'access-1');
const rotated = await tokens.getTokens(ada);
assert.equal(rotated?.accessToken.value, 'access-1');
assert.equal(rotated.refreshToken?.value, 'refresh-1');
console.log('refreshes the tokens at the authorization server');

await assert.rejects(tokens.getAccessToken({ ...ada, userId: 'bob' }), TokenNotFoundError);
console.log('knows no token of another user');
await app.close();
