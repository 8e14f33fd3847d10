import { ScheduleModule } from '@nestjs/schedule';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  DataKeyEntity,
  DecryptionError,
  KeyUnavailableError,
  TokenEntity,
  TokenModule,
  TokenService,
} from '@tokenward/nestjs';
import { TokenHealthModule } from '@tokenward/nestjs/health';
import { TokenMetricsModule } from '@tokenward/nestjs/metrics';
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import axios from 'axios';
import { register } from 'prom-client';
import { DataSource } from 'typeorm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { databaseModule, freshKeyring, PROVIDER } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';

const ada = { userId: 'ada', provider: PROVIDER };

describe('A stored token that cannot be opened', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let lines: string[];

  beforeEach(async () => {
    database = await createDatabase('sqlite');
    lines = [];
    await start();
    await app.get(TokenService).storeTokens(ada, { access_token: 'mine', refresh_token: 'too' });
    await app.get(TokenService).storeTokens({ ...ada, userId: 'eve' }, { access_token: 'hers' });
    // What the database itself would refuse has to be told apart as well: not everybody's copy has the constraints.
    await app.get(DataSource).query('PRAGMA foreign_keys = OFF');
    await app.get(DataSource).query('PRAGMA ignore_check_constraints = ON');
  });
  afterEach(async () => {
    await app.close();
    register.clear();
    await database.drop();
  });

  const keyring = freshKeyring();

  async function start(): Promise<void> {
    const keep = (message: unknown): void => void lines.push(String(message));
    const module = await Test.createTestingModule({
      imports: [
        databaseModule(database),
        ScheduleModule.forRoot(),
        TokenModule.forRoot({
          providers: { [PROVIDER]: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
          encryption: { keyring },
          cache: false,
        }),
        TokenHealthModule,
        TokenMetricsModule,
      ],
    })
      .setLogger({ log: keep, error: keep, warn: keep, debug: keep })
      .compile();
    app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
  }

  const rows = () => app.get(DataSource).getRepository(TokenEntity);
  const change = (edit: (bytes: Buffer) => Buffer) => async (): Promise<void> => {
    const { id, accessCt } = await rows().findOneByOrFail({ userId: 'ada' });
    const bytes = edit(Buffer.from(accessCt!.slice(4), 'base64url'));
    await rows().update({ id }, { accessCt: `tm1.${bytes.toString('base64url')}` });
  };
  const flip = (offset: number) =>
    change((bytes) => {
      bytes[offset]! ^= 1;
      return bytes;
    });
  const write = (accessCt: string) => async (): Promise<void> =>
    void (await rows().update({ userId: 'ada' }, { accessCt }));
  const keyGone = (set: object) => async (): Promise<void> => {
    await app.get(DataSource).getRepository(DataKeyEntity).update({ state: 'active' }, set);
    // The news of other replicas comes within a second; here the key is unknown to this process from the start.
    await flipKeyId();
  };
  /** The row points at a key that this process has not cached: a copy of the active one under a new id. */
  async function flipKeyId(): Promise<void> {
    const keys = app.get(DataSource).getRepository(DataKeyEntity);
    const [key] = await keys.find();
    const id = randomUUID();
    const { activeFor: _, usableId: __, ...rest } = key!;
    await keys.insert({ ...rest, id, usableId: null, activeFor: null });
    await change((bytes) => {
      Buffer.from(id.replaceAll('-', ''), 'hex').copy(bytes, 4);
      return bytes;
    })();
  }

  /** Seen by a process that starts afterwards: this one has unwrapped the key already. */
  async function otherCheckValue(): Promise<void> {
    await app
      .get(DataSource)
      .getRepository(DataKeyEntity)
      .update({ state: 'active' }, { checkValue: Buffer.alloc(32).toString('base64url') });
    await app.close();
    register.clear();
    await start();
  }

  it.each([
    ['EMPTY', DecryptionError, write('')],
    ['NOT_ENCRYPTED', DecryptionError, write('ya29.a-plain-token')],
    ['TRUNCATED', DecryptionError, change((bytes) => bytes.subarray(0, 91))],
    ['UNSUPPORTED_VERSION', DecryptionError, flip(1)],
    ['UNSUPPORTED_SUITE', DecryptionError, flip(2)],
    ['RESERVED_FLAGS', DecryptionError, flip(3)],
    [
      'KEY_NOT_FOUND',
      DecryptionError,
      change((bytes) => {
        bytes.fill(7, 4, 20);
        return bytes;
      }),
    ],
    ['KEY_MISMATCH', DecryptionError, flip(50)],
    ['AUTH_FAILED', DecryptionError, flip(80)],
    ['KEY_RETIRED', KeyUnavailableError, keyGone({ state: 'retired' })],
    ['KEY_DESTROYED', DecryptionError, keyGone({ state: 'destroyed', wrapped: null })],
    ['KEK_UNWRAP_FAILED', KeyUnavailableError, keyGone({ wrapped: Buffer.alloc(80).toString('base64url') })],
    ['KEY_CHECK_FAILED', KeyUnavailableError, otherCheckValue],
  ] as const)('as %s is told apart for operators, not for callers', async (reason, error, damage) => {
    await damage();
    const before = await rows().findOneByOrFail({ userId: 'ada' });
    const failure = await app
      .get(TokenService)
      .getAccessToken(ada)
      .catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(error);
    const shown =
      failure instanceof DecryptionError ? inspect(failure, { depth: Infinity, showHidden: true }) : '';
    expect(shown).not.toContain(reason);

    expect(lines.join('\n')).toContain(`cannot open access_token of row ${before.id}: ${reason}`);
    const base = await app.getUrl();
    const { data: metrics } = await axios.get<string>(`${base}/metrics`);
    expect(metrics).toMatch(new RegExp(`tokenward_decryption_failures_total\\{reason="${reason}"\\} [12]`));
    const { data: health } = await axios.get<object>(`${base}/health/ready`, { validateStatus: () => true });
    expect(JSON.stringify(health)).toMatch(new RegExp(`"unreadable":\\{"${reason}":[12]\\}`));

    expect(await rows().findOneByOrFail({ userId: 'ada' })).toEqual(before);
  });
});
