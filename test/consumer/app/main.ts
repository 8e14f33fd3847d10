// What a user of the package writes first; built and run outside the repository by ../run.mjs.
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ScheduleModule } from '@nestjs/schedule';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  AccessToken,
  KeyService,
  TokenGuard,
  TokenHttpService,
  TokenMaintenance,
  TokenModule,
  TokenNotFoundError,
  TokenService,
  tokenEntities,
  tokenMigrations,
  type TokenRef,
  UseToken,
} from '@tokenward/nestjs';
import { TokenHealthModule } from '@tokenward/nestjs/health';
import { defineImport, plainText } from '@tokenward/nestjs/import';
import { VaultKeyWrapper } from '@tokenward/nestjs/kms/vault';
import { TokenMetricsModule } from '@tokenward/nestjs/metrics';
import { DatabaseFaults, FixedClock, startAuthorizationServer } from '@tokenward/nestjs/testing';
import { DataSource } from 'typeorm';
import { firstValueFrom } from 'rxjs';

const setting = (name: string): string => {
  const value = process.env[name];
  assert(value, `${name} is not set`);
  return value;
};

const origin = new URL(setting('TOKEN_ENDPOINT')).origin;

@Controller()
@UseGuards(TokenGuard)
class TokenController {
  @Get('mine')
  @UseToken('example')
  mine(@AccessToken() token: AccessToken): string {
    return token.value;
  }
}

@Module({
  controllers: [TokenController],
  imports: [
    TokenHealthModule,
    TokenMetricsModule,
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
            apiOrigins: [origin],
          },
        },
        // Stands for the application's own log-in.
        principal: (context) => {
          const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
          return headers['x-user'] ? { userId: headers['x-user'] } : null;
        },
      }),
    }),
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
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
const http = app.get(TokenHttpService);
const { data } = await firstValueFrom(http.as(ada).get(`${origin}/api`));
assert.deepEqual(data, { authorization: 'Bearer access-2' });
await assert.rejects(firstValueFrom(http.get(`${origin}/api`)), { code: 'TOKEN_REF_MISSING' });
console.log('calls an API with the token, and refreshes it when the API refuses it');

const url = await app.getUrl();
const get = (path: string, user?: string) => fetch(url + path, user ? { headers: { 'x-user': user } } : {});
assert.equal(await (await get('/mine', 'ada')).text(), 'access-2');
assert.equal((await get('/mine')).status, 401);
const refused = await get('/mine', 'bob');
assert.equal(refused.status, 403);
assert.equal(((await refused.json()) as { code: string }).code, 'TOKEN_NOT_FOUND');
console.log('guards a route');

const keys = app.get(KeyService);
const { rotated: changed } = await keys.rotate();
assert.equal(changed.length, 1);
assert.equal(await app.get(TokenMaintenance).reencrypt(), 1);
await keys.retire(changed[0]!.from);
assert.equal((await tokens.getTokens(ada))?.refreshToken?.value, 'refresh-2');
console.log('rotates the data key and retires the old one');

assert.equal(typeof VaultKeyWrapper, 'function');
assert.equal(typeof defineImport, 'function');
assert.equal(plainText().decrypt('x'), 'x');
console.log('loads a key wrapper and the import without the SDKs of others');

const server = await startAuthorizationServer({ mode: 'strict', now: new FixedClock().now });
const minted = await server.mint('ada');
server.faults.html();
const present = (): Promise<Response> =>
  fetch(`${server.issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${server.provider.clientId}:${String(server.provider.clientSecret)}`)}`,
    },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: minted.refresh_token }),
  });
const statuses = [await present(), await present(), await present()].map(({ status }) => status);
assert.deepEqual(statuses, [200, 200, 400]);
assert.deepEqual(
  server.oracle.requests.map(({ outcome }) => outcome),
  ['html', 'ok', 'invalid_grant'],
);
await server.stop();
const faults = new DatabaseFaults(app.get(DataSource));
faults.fail(/SELECT .* FROM \W?tokenward_tokens/s, 'before');
await assert.rejects(tokens.getTokens(ada), /connection terminated/);
console.log('tests itself with the fault kit');

assert.equal((await get('/health/ready')).status, 200);
assert.match(
  await (await get('/metrics')).text(),
  /tokenward_refreshes_total\{provider="example",outcome="refreshed"\} 2/,
);
console.log('answers probes and shows metrics');
await app.close();
