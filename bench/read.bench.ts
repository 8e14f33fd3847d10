import { createSecretKey, randomBytes } from 'node:crypto';
import { Test, type TestingModule } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { tokenEntities, tokenMigrations, TokenModule, TokenService } from '@tokenward/nestjs';
import { Pool } from 'pg';
import { startServer } from '../test/support/servers/start.js';
import { bareOpen, bareSeal } from './crypto.bench.js';
import type { Suite } from './suite.js';

/** A JWT access token of usual size. */
const TOKEN_CHARACTERS = 1536;
const INSERTS_AT_ONCE = 100;

/** Reading a valid access token that is not cached, on PostgreSQL, against the least that anybody could do by hand. */
export async function readSuites(users: number): Promise<{ suites: Suite[]; stop: () => Promise<void> }> {
  const server = await startServer('postgres');
  const { host, port, username: user, password } = server.address;
  const app = await startApp({ host, port, username: user, password });
  const tokens = app.get(TokenService);
  const pool = new Pool({ host, port, user, password, database: 'postgres', max: 10 });
  // The pool counts as ended before its last connection is; the server that stops then says so on it.
  pool.on('error', () => undefined);
  const key = createSecretKey(randomBytes(32));
  await fill(users, tokens, pool, key);

  const someUser = (): string => `user-${Math.floor(Math.random() * users)}`;
  const byHand = async (): Promise<string> => {
    const id = someUser();
    const { rows } = await pool.query<{ access_ct: Buffer }>({
      name: 'read',
      text: 'SELECT access_ct, expires_at FROM by_hand WHERE user_id = $1',
      values: [id],
    });
    return bareOpen(key, Buffer.from(id), rows[0]!.access_ct).toString('utf8');
  };
  const ours = {
    name: 'getAccessToken, no cache',
    run: () => tokens.getAccessToken({ userId: someUser(), provider: 'acme' }),
  };
  const against = { name: 'raw pg prepared SELECT + open', run: byHand };
  const suites: Suite[] = [
    {
      id: 'P2',
      what: `read, 64 callers, ${users} users (operations/s)`,
      target: 2,
      callers: 64,
      ours,
      against,
    },
    {
      id: 'P3',
      what: `read, 1 caller, ${users} users (operations/s)`,
      target: 1 / 1.3,
      callers: 1,
      ours,
      against,
    },
  ];
  const stop = async (): Promise<void> => {
    await pool.end();
    await app.close();
    await server.stop();
  };
  return { suites, stop };
}

async function startApp(address: {
  host: string;
  port: number;
  username: string;
  password: string;
}): Promise<TestingModule> {
  const module = await Test.createTestingModule({
    imports: [
      TypeOrmModule.forRoot({
        type: 'postgres',
        ...address,
        database: 'postgres',
        entities: [...tokenEntities],
        migrations: [...tokenMigrations],
        migrationsRun: true,
      }),
      TokenModule.forRoot({
        providers: { acme: { tokenEndpoint: 'https://id.example.com/token', clientId: 'bench' } },
        encryption: { keyring: `1:${randomBytes(32).toString('base64')}` },
        refresh: { ahead: false },
        cleanup: false,
        revocation: false,
        rotation: false,
        cache: false,
      }),
    ],
  }).compile();
  await module.init();
  return module;
}

/** The same users with the same tokens in both tables. */
async function fill(
  users: number,
  tokens: TokenService,
  pool: Pool,
  key: ReturnType<typeof createSecretKey>,
): Promise<void> {
  await pool.query(
    'CREATE TABLE by_hand (user_id text PRIMARY KEY, access_ct bytea NOT NULL, expires_at bigint)',
  );
  const one = async (index: number): Promise<void> => {
    const userId = `user-${index}`;
    const access_token = randomBytes(TOKEN_CHARACTERS).toString('base64url').slice(0, TOKEN_CHARACTERS);
    await tokens.storeTokens(
      { userId, provider: 'acme' },
      { access_token, refresh_token: 'r', expires_in: 86_400 },
    );
    await pool.query('INSERT INTO by_hand VALUES ($1, $2, $3)', [
      userId,
      bareSeal(key, Buffer.from(userId), Buffer.from(access_token)),
      1,
    ]);
  };
  for (let start = 0; start < users; start += INSERTS_AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(INSERTS_AT_ONCE, users - start) }, (_, index) => one(start + index)),
    );
  }
  await pool.query('ANALYZE');
}
