import { randomBytes } from 'node:crypto';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { tokenEntities, tokenMigrations, TokenModule, TokenService } from '@tokenward/nestjs';
import { DataSource } from 'typeorm';
import type { ServerAddress } from '../test/support/servers/server.js';

const INSERTS_AT_ONCE = 100;

export const freshKey = (): string => randomBytes(32).toString('base64');

export async function createDatabase(address: ServerAddress, database: string): Promise<void> {
  const admin = await new DataSource({ type: 'postgres', ...address, database: 'postgres' }).initialize();
  await admin.query(`CREATE DATABASE ${database}`);
  await admin.destroy();
}

export async function startApp(
  address: ServerAddress,
  database: string,
  keyring: string,
): Promise<TestingModule> {
  const module = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        ...address,
        database,
        entities: [...tokenEntities],
        migrations: [...tokenMigrations],
        migrationsRun: true,
      }),
      TokenModule.forRoot({
        providers: { acme: { tokenEndpoint: 'https://id.example.com/token', clientId: 'bench' } },
        encryption: { keyring },
        refresh: { ahead: false },
        cleanup: false,
        revocation: false,
        rotation: false,
        cache: false,
      }),
    ],
  }).compile();
  return module.init();
}

const characters = (count: number): string => randomBytes(count).toString('base64url').slice(0, count);

/** Users with a JWT access token, a refresh token and an ID token of usual sizes. */
export async function fill(
  app: TestingModule,
  users: number,
  tenantOf: (index: number) => string,
): Promise<void> {
  const tokens = app.get(TokenService);
  const next = Array.from({ length: users }, (_, index) => index);
  const worker = async (): Promise<void> => {
    for (let index = next.pop(); index !== undefined; index = next.pop())
      await tokens.storeTokens(
        { userId: `user-${index}`, tenantId: tenantOf(index), provider: 'acme' },
        {
          access_token: characters(1536),
          refresh_token: characters(200),
          id_token: idToken(),
          expires_in: 86_400,
        },
      );
  };
  await Promise.all(Array.from({ length: INSERTS_AT_ONCE }, worker));
  await app.get(DataSource).query('VACUUM ANALYZE');
}

/** Of usual size; nobody has signed it, and nobody asks. */
function idToken(): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub: 'user',
    aud: 'bench',
    iss: 'https://id.example.com',
    iat: now,
    exp: now + 3600,
    x: characters(500),
  };
  return (
    [{ alg: 'RS256' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.') + `.${characters(342)}`
  );
}
