import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { type KeyContext, KeyError, KeyWrapper, TokenEntity } from '@tokenward/nestjs';
import {
  type ImportDefinition,
  type ImportFailure,
  importTokens,
  LegacyCipherError,
  plainText,
  tutorialTokenManager,
} from '@tokenward/nestjs/import';
import { DatabaseFaults } from '@tokenward/nestjs/testing';
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica, tokenOptions } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { verifyProof } from '../support/dpop-verifier.js';
import { counting, type LegacyRow, LegacyTable, PASSWORD, TABLE } from '../support/import/legacy-table.js';
import type { ImportOrders } from '../support/import/import.process.js';
import { tutorialTriple } from '../support/import/tutorial.js';
import { startProvider, type TestProvider } from '../support/provider.js';
import { tokensIn } from '../support/token-search.js';

const inAnHour = new Date(Math.floor(Date.now() / 1000) * 1000 + 3_600_000);
const anHourAgo = new Date(inAnHour.getTime() - 7_200_000);

const user = (id: number): LegacyRow & { id: number } => ({
  id,
  userId: `user-${id}`,
  accessToken: `access-${id}`,
  refreshToken: `refresh-${id}`,
  expiresAt: inAnHour,
});
const users = (count: number) => Array.from({ length: count }, (_, index) => user(index + 1));
const ref = (userId: string) => ({ userId, provider: PROVIDER });

describeOnEachDatabase('An import', ({ kind, createDatabase }) => {
  let database: TestDatabase;
  let legacy: LegacyTable;
  let directory: string;
  let provider: TestProvider | null = null;
  const replicas: Replica[] = [];

  beforeEach(async () => {
    database = await createDatabase();
    legacy = new LegacyTable(database.options, freshKeyring());
    directory = await mkdtemp(join(tmpdir(), 'tokenward-import-'));
  });
  afterEach(async () => {
    for (const replica of replicas.splice(0)) await replica.close();
    await provider?.stop();
    provider = null;
    await legacy.close();
    await database.drop();
    await rm(directory, { recursive: true });
  });

  /** The application that uses what was imported. */
  async function startApp(): Promise<Replica> {
    provider ??= await startProvider();
    const options = tokenOptions(provider, { encryption: { keyring: legacy.keyring } });
    const replica = await startReplica(database, options);
    replicas.push(replica);
    return replica;
  }

  const run = (more: Partial<ImportDefinition> = {}, options?: Parameters<typeof importTokens>[1]) =>
    importTokens(legacy.definition(more), options);

  const tokensOf = async (app: Replica, userId: string) => {
    const set = await app.tokens.getTokens(ref(userId));
    return set && { access: set.accessToken.value, refresh: set.refreshToken?.value ?? null };
  };

  it('makes every row of the old table a stored token set that the application opens', async () => {
    await legacy.create();
    await legacy.insert(users(25));
    const report = await run({ batchSize: 10 });
    expect(report).toMatchObject({ total: 25, read: 25, imported: 25, exists: 0, failed: 0, dryRun: false });
    const app = await startApp();
    for (const { userId, accessToken, refreshToken } of users(25))
      expect(await tokensOf(app, userId)).toEqual({ access: accessToken, refresh: refreshToken });
    const [stored] = await app.tokens.listTokens({ userId: 'user-7' });
    expect(stored).toMatchObject({ status: 'active', generation: 1, tokenType: 'Bearer' });
    expect(Math.abs(stored!.expiresAt!.getTime() - inAnHour.getTime())).toBeLessThan(5_000);
    expect((await app.tokens.getAccessToken(ref('user-7'))).value).toBe('access-7');
  });

  it('reads the old table only, and leaves every byte of it as it was', async () => {
    await legacy.create();
    await legacy.insert(users(12));
    const before = await legacy.dump();
    legacy.statements.length = 0;
    await run({ batchSize: 5 });
    const asked = legacy.statements.splice(0);
    expect(await legacy.dump()).toBe(before);
    expect(asked.filter((text) => text.startsWith('SELECT')).length).toBeGreaterThanOrEqual(4);
    const framed = kind === 'sqlite' ? [] : ['START TRANSACTION READ ONLY', 'COMMIT'];
    for (const text of asked) expect(text.startsWith('SELECT') || framed.includes(text), text).toBe(true);
    const count = (start: string): number => asked.filter((text) => text.startsWith(start)).length;
    expect(count('START TRANSACTION READ ONLY')).toBe(kind === 'sqlite' ? 0 : count('SELECT'));
  });

  it('works within one data source for both, and connects and lets go of those that are not connected', async () => {
    await legacy.create();
    await legacy.insert(users(3));
    await legacy.source.destroy();
    expect(await run({ source: legacy.target })).toMatchObject({ imported: 3 });
    expect(legacy.target.isInitialized).toBe(true);
    await legacy.target.destroy();
    expect(await run()).toMatchObject({ exists: 3, imported: 0 });
    expect([legacy.source.isInitialized, legacy.target.isInitialized]).toEqual([false, false]);
  });

  it('may be run again: what is there is left alone, also what the application has written since', async () => {
    await legacy.create();
    await legacy.insert(users(6));
    await run();
    const app = await startApp();
    await app.tokens.storeTokens(ref('user-2'), { access_token: 'new-access', refresh_token: 'new-refresh' });
    await app.tokens.revokeTokens(ref('user-3'));
    const rows = app.dataSource.getRepository(TokenEntity);
    const before = await rows.find({ order: { id: 'ASC' } });
    await legacy.insert([user(7)]);
    expect(await run()).toMatchObject({
      read: 7,
      imported: 1,
      exists: 6,
      existsWithOtherTokens: 2,
      failed: 0,
    });
    const after = await rows.find({ order: { id: 'ASC' } });
    expect(after.filter(({ userId }) => userId !== 'user-7')).toEqual(before);
    expect(await tokensOf(app, 'user-2')).toEqual({ access: 'new-access', refresh: 'new-refresh' });
  });

  it('keeps the first of two rows for one user, and says so in every run, a dry one too', async () => {
    await legacy.create();
    await legacy.insert([user(1), { ...user(2), userId: 'user-1' }, user(3)]);
    const left = { read: 3, existsWithOtherTokens: 0, duplicates: 1 };
    expect(await run({}, { dryRun: true })).toMatchObject({ ...left, imported: 2, exists: 0 });
    expect(await run({ batchSize: 1 })).toMatchObject({ ...left, imported: 2, exists: 0 });
    expect(await run()).toMatchObject({ ...left, imported: 0, exists: 2 });
    expect(await tokensOf(await startApp(), 'user-1')).toEqual({ access: 'access-1', refresh: 'refresh-1' });
  });

  it('takes the second row of a user whose first one cannot be imported', async () => {
    await legacy.create();
    await legacy.insertSealed([1, 'user-2', 'no json', null, null]);
    await legacy.insert([user(2)]);
    expect(await run()).toMatchObject({ imported: 1, failed: 1, duplicates: 0 });
  });

  it('refreshes an access token that has expired with the refresh token that came with it', async () => {
    const app = await startApp();
    await legacy.create();
    const minted = await provider!.mintTokens({ sub: 'ada' });
    await legacy.insert([
      {
        id: 1,
        userId: 'ada',
        accessToken: 'expired',
        refreshToken: minted.refresh_token,
        expiresAt: anHourAgo,
      },
      { id: 2, userId: 'eve', accessToken: 'without an end' },
    ]);
    await run();
    const [stored] = await app.tokens.listTokens({ userId: 'ada' });
    expect(stored!.expiresAt!.getTime()).toBeLessThan(inAnHour.getTime() - 3_600_000);
    expect(stored!.refreshAfter!.getTime()).toBeLessThanOrEqual(stored!.createdAt.getTime());
    const exchanges = provider!.oracle.exchanges;
    expect((await app.tokens.getAccessToken(ref('ada'))).value).not.toBe('expired');
    expect(provider!.oracle.exchanges - exchanges).toBe(1);
    const [endless] = await app.tokens.listTokens({ userId: 'eve' });
    expect(endless).toMatchObject({ expiresAt: null, hasRefreshToken: false });
  });

  it('seals the key that tokens are bound to with them, and takes no row whose key is none', async () => {
    await legacy.create();
    await legacy.insert(users(2));
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(privateKey)), kty: 'EC' };
    const { map } = legacy.definition();
    const report = await run({
      map: async (row, open) => {
        const mapped = (await map(row, open))!;
        const dpopKey = mapped.ref.userId === 'user-1' ? jwk : { kty: 'EC' };
        return { ...mapped, tokenType: 'DPoP', dpopKey };
      },
    });
    expect(report).toMatchObject({ imported: 1, failed: 1 });
    const { tokens } = await startApp();
    const token = await tokens.getAccessToken(ref('user-1'));
    const url = 'https://api.example.com/me';
    const proof = tokens.dpopProof(token, { method: 'GET', url });
    await expect(verifyProof(proof, { method: 'GET', url, accessToken: token.value })).resolves.toMatchObject(
      { jkt: await calculateJwkThumbprint(jwk) },
    );
  });

  it('takes the good rows although others are bad, and says of each why, with its key and without its values', async () => {
    await legacy.create();
    await legacy.insert(users(3));
    const sealed = tutorialTriple(PASSWORD, 'access-secret-of-nobody');
    const json = (value: object) => JSON.stringify(value);
    const flipped = {
      ...sealed,
      authTag: `${sealed.authTag.startsWith('0') ? 1 : 0}${sealed.authTag.slice(1)}`,
    };
    const rows: [id: number, user: string | null, access: string | null, expiresAt: number | null][] = [
      [11, 'tampered', json(flipped), null],
      [12, 'otherpassword', json(tutorialTriple('another', 'access-12')), null],
      [13, 'truncated', json(sealed).slice(0, 20), null],
      [14, 'tokenless', null, null],
      [15, null, json(sealed), null],
      [16, ' blank ', json(sealed), null],
      [17, 'lines', json(tutorialTriple(PASSWORD, 'two\nlines')), null],
      [18, 'long', json(tutorialTriple(PASSWORD, 'x'.repeat(32_769))), null],
      [19, 'seconds', json(sealed), Math.floor(inAnHour.getTime() / 1_000_000)],
      [20, 'thrower', json(sealed), null],
      [21, 'undefined', json(sealed), null],
      [22, 'misspelt', json(sealed), null],
      [23, 'stranger', json(sealed), null],
      [24, 'skipped', json(sealed), null],
    ];
    for (const [id, userId, access, expiresAt] of rows)
      await legacy.insertSealed([id, userId, access, null, expiresAt]);
    await legacy.insert([user(30)]);
    const { map } = legacy.definition();
    const failures: ImportFailure[] = [];
    const report = await run(
      {
        providers: [PROVIDER],
        map: async (row, open) => {
          const mapped = (await map(row, open))!;
          switch (row['user_id']) {
            case 'thrower':
              throw new Error(`no user for ${mapped.accessToken}\n    at ${mapped.accessToken}:1:1`);
            case 'undefined':
              return undefined as never;
            case 'misspelt':
              return { ...mapped, refresh_token: 'lost' };
            case 'stranger':
              return { ...mapped, ref: { userId: 'stranger', provider: 'unheard-of' } };
            case 'skipped':
              return null;
            default:
              return mapped;
          }
        },
      },
      { onFailure: (failure) => failures.push(failure) },
    );
    expect(report).toMatchObject({ total: 18, read: 18, imported: 4, skipped: 1, failed: 13 });
    expect(Object.fromEntries(report.failures.map(({ key, reason }) => [key, reason]))).toEqual({
      11: 'LEGACY_AUTH_FAILED',
      12: 'LEGACY_AUTH_FAILED',
      13: 'LEGACY_MALFORMED',
      14: 'TOKEN_MALFORMED',
      15: 'TOKEN_REF_INVALID',
      16: 'TOKEN_REF_INVALID',
      17: 'TOKEN_MALFORMED',
      18: 'TOKEN_TOO_LARGE',
      19: 'INPUT_INVALID',
      20: 'MAP_FAILED',
      21: 'INPUT_INVALID',
      22: 'INPUT_INVALID',
      23: 'TOKEN_REF_INVALID',
    });
    expect(report.failedByReason).toMatchObject({
      LEGACY_AUTH_FAILED: 2,
      MAP_FAILED: 1,
      TOKEN_REF_INVALID: 3,
    });
    expect(failures).toEqual(report.failures);
    const detail = (key: string) => report.failures.find((failure) => failure.key === key)!.detail;
    expect(detail('20')).toMatch(/^Error at import\.spec\.ts:\d+$/);
    expect(detail('14')).toBe('access_token: must be a string, it is null');
    expect(detail('19')).toMatch(/before the year 2000: .*new Date\(seconds \* 1000\)/);
    expect(detail('22')).toMatch(/map\.refresh_token: is not a field; known: ref, accessToken/);
    const told = inspect(report, { depth: Infinity, maxStringLength: null });
    expect(
      tokensIn(told, ['access-secret-of-nobody', 'access-1', 'two', PASSWORD, sealed.encrypted]),
    ).toEqual([]);
    expect(await tokensOf(await startApp(), 'user-30')).not.toBeNull();
  });

  it('with a wrong password is one sentence, before anything is written', async () => {
    await legacy.create();
    await legacy.insert(users(30));
    const cipher = counting(tutorialTokenManager({ password: 'wrong' }));
    const failure = await run({ cipher }).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({
      code: 'NOTHING_OPENS',
      message: expect.stringMatching(
        /^None of the first 20 rows of "oauth_tokens" can be imported: is the password or key right\? Nothing was written\./,
      ),
    });
    expect(cipher.opened).toBe(20);
    expect(await legacy.written()).toEqual({ tokens: 0, dataKeys: 0 });
    await expect(
      run({ cipher: plainText(), table: TABLE, checkRows: 5, map: () => ({}) as never }),
    ).rejects.toThrow(/None of the first 5 rows .* do the cipher and `map` fit the table\?/);
  });

  it('goes on beyond bad first rows where one of them opens, or where it is told to', async () => {
    await legacy.create();
    await legacy.insertSealed([1, 'old', JSON.stringify(tutorialTriple('old password', 'a')), null, null]);
    await legacy.insert([user(2), user(3)]);
    await expect(run({ checkRows: 1 })).rejects.toThrow(/None of the first 1 rows/);
    expect(await run({ checkRows: 0 })).toMatchObject({ imported: 2, failed: 1 });
    expect(await run({ checkRows: 2 })).toMatchObject({ exists: 2, failed: 1 });
  });

  it('in a dry run opens and checks every row, and writes nothing', async () => {
    await legacy.create();
    await legacy.insert(users(9));
    await legacy.insertSealed([10, 'bad', 'no json', null, null]);
    const dry = await run({ batchSize: 4 }, { dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, read: 10, imported: 9, exists: 0, failed: 1 });
    expect(await legacy.written()).toEqual({ tokens: 0, dataKeys: 0 });
    expect(await run()).toMatchObject({ read: 10, imported: 9, failed: 1 });
    expect(await run({}, { dryRun: true })).toMatchObject({
      imported: 0,
      exists: 9,
      existsWithOtherTokens: 0,
    });
    await expect(run({}, { dryRun: true, checkpoint: join(directory, 'c') })).rejects.toThrow(
      /no checkpoint/,
    );
  });

  async function killedAt(stopAt: number, checkpoint?: string): Promise<void> {
    const child = fork(fileURLToPath(new URL('../support/import/import.process.ts', import.meta.url)), {
      execArgv: ['--conditions=@tokenward/source', '--import', '@oxc-node/core/register'],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const { options } = database;
    const orders: ImportOrders = { options, keyring: legacy.keyring, stopAt, batchSize: 10 };
    child.send(checkpoint === undefined ? orders : { ...orders, checkpoint });
    await once(child.stdout!, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  it('that is killed in the middle ends, run again, with every row once', async () => {
    await legacy.create();
    await legacy.insert(users(50));
    const before = await legacy.dump();
    await killedAt(24);
    const { tokens } = await legacy.written();
    expect(tokens).toBeGreaterThanOrEqual(24);
    expect(tokens).toBeLessThan(50);
    expect(await run()).toMatchObject({ read: 50, exists: tokens, existsWithOtherTokens: 0, failed: 0 });
    expect(await legacy.written()).toMatchObject({ tokens: 50, dataKeys: 1 });
    expect(await legacy.dump()).toBe(before);
    const app = await startApp();
    for (const { userId, accessToken, refreshToken } of users(50))
      expect(await tokensOf(app, userId)).toEqual({ access: accessToken, refresh: refreshToken });
  });

  it('that is killed in the middle goes on from its checkpoint, and removes it at the end', async () => {
    const checkpoint = join(directory, 'checkpoint.json');
    await legacy.create();
    await legacy.insert(users(50));
    await killedAt(24, checkpoint);
    const kept = await readFile(checkpoint, 'utf8');
    expect(
      tokensIn(
        kept,
        users(50).flatMap(({ accessToken, refreshToken }) => [accessToken!, refreshToken!]),
      ),
    ).toEqual([]);
    const { tokens } = await legacy.written();
    const cipher = counting(tutorialTokenManager({ password: PASSWORD }));
    const report = await run({ cipher }, { checkpoint });
    // Two pages of ten were behind it.
    expect(report).toMatchObject({ resumedAfter: '20', read: 50, imported: 50 - (tokens - 20), failed: 0 });
    expect(report.exists).toBe(tokens - 20);
    expect(cipher.opened).toBe(60);
    expect(await legacy.written()).toMatchObject({ tokens: 50 });
    expect(existsSync(checkpoint)).toBe(false);
  });

  it('refuses the checkpoint of another import, and what is none', async () => {
    const checkpoint = join(directory, 'checkpoint.json');
    await legacy.create();
    await legacy.insert(users(30));
    await killedAt(14, checkpoint);
    await expect(run({ keyColumn: 'user_id' }, { checkpoint })).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringMatching(/belongs to an import of another table/),
    });
    await writeFile(checkpoint, '{"version":2}');
    await expect(run({}, { checkpoint })).rejects.toThrow(/is not a checkpoint of this version/);
    await expect(run({}, { checkpoint: directory })).rejects.toThrow(/cannot be read \(EISDIR\)/);
    await expect(run({}, { checkpoint: join(directory, 'no', 'c') })).rejects.toThrow(/cannot be written/);
  });

  it('keeps the failures of the runs before in its report', async () => {
    const checkpoint = join(directory, 'checkpoint.json');
    await legacy.create();
    await legacy.insert(users(4));
    await legacy.insertSealed([5, 'bad', 'no json', null, null]);
    await legacy.insert([
      user(6),
      user(7),
      { ...user(8), userId: 'user-7' },
      { ...user(9), userId: 'user-4' },
    ]);
    const faults = new DatabaseFaults(legacy.target);
    const definition = { batchSize: 5, cipher: tutorialTokenManager({ password: PASSWORD }) };
    const stopping = run(definition, {
      checkpoint,
      onProgress: ({ read }) => {
        if (read === 5) faults.fail(/^SELECT (?!id).* AS read_at$/s, 'before');
      },
    });
    await expect(stopping).rejects.toMatchObject({ code: 'TARGET_UNAVAILABLE' });
    const report = await run(definition, { checkpoint });
    expect(report).toMatchObject({ resumedAfter: '5', read: 9, imported: 6, failed: 1 });
    // Of the runs before it knows no rows, only what they have stored.
    expect(report).toMatchObject({ duplicates: 1, existsWithOtherTokens: 1 });
    expect(report.failures).toEqual([expect.objectContaining({ key: '5', reason: 'LEGACY_MALFORMED' })]);
  });

  it('counts a row whose answer was lost as failed, and finds it there the next time', async () => {
    await legacy.create();
    await legacy.insert(users(3));
    new DatabaseFaults(legacy.target).fail(/INSERT INTO \S*tokenward_tokens/, 'after');
    const report = await run();
    expect(report).toMatchObject({ read: 3, imported: 2, failed: 1 });
    expect(report.failures[0]).toMatchObject({
      reason: 'WRITE_FAILED',
      detail: expect.stringMatching(/^Error\b/),
    });
    expect(await run()).toMatchObject({ exists: 3, failed: 0 });
  });

  it('stops when the database is away, and goes on the next time', async () => {
    await legacy.create();
    await legacy.insert(users(40));
    const faults = new DatabaseFaults(legacy.target);
    const away = run(
      {},
      {
        onProgress: ({ imported }) => {
          if (imported !== 8) return;
          faults.fail(/INSERT INTO \S*tokenward_tokens/, 'before');
          faults.fail(/^SELECT (?!id).* AS read_at$/s, 'before');
        },
      },
    );
    await expect(away).rejects.toMatchObject({ code: 'TARGET_UNAVAILABLE' });
    const { tokens } = await legacy.written();
    expect(tokens).toBeLessThan(40);
    expect(await run()).toMatchObject({ exists: tokens, imported: 40 - tokens, failed: 0 });
  });

  it('says that what it has stored stays when the key service fails on the way', async () => {
    class Throttling extends KeyWrapper {
      readonly kekId = 'kms';
      override async wrap(dataKey: Buffer, { tenantId }: KeyContext): Promise<Buffer> {
        if (tenantId === 'tenant-2') throw new KeyError('KMS_THROTTLED', 'too many requests');
        return Buffer.from(dataKey);
      }
      override async unwrap(blob: Buffer): Promise<Buffer> {
        return Buffer.from(blob);
      }
    }
    await legacy.create();
    await legacy.insert(users(3));
    const { map } = legacy.definition();
    const stopped = run({
      encryption: { wrapper: new Throttling() },
      batchSize: 1,
      map: async (row, open) => {
        const mapped = (await map(row, open))!;
        return { ...mapped, ref: { ...mapped.ref, tenantId: `tenant-${String(row['id'])}` } };
      },
    });
    await expect(stopped).rejects.toMatchObject({
      code: 'KEYS_UNUSABLE',
      message:
        'The import has stopped: no usable encryption key (KMS_THROTTLED). Run it again: what is stored stays.',
    });
    expect((await legacy.written()).tokens).toBe(1);
  });

  it('writes nothing when the keyring is not the one that the target is under', async () => {
    await legacy.create();
    await legacy.insert(users(2));
    await run();
    await legacy.insert([user(3)]);
    const before = await legacy.written();
    await expect(run({ encryption: { keyring: freshKeyring() } })).rejects.toMatchObject({
      code: 'KEYS_UNUSABLE',
    });
    expect(await legacy.written()).toEqual(before);
    await expect(run({ encryption: { keyring: 'nonsense' } })).rejects.toThrow(
      /defineImport encryption\.keyring: entry 1 has no colon/,
    );
  });

  const keys: Partial<Record<typeof kind, [type: string, keys: unknown[]]>>[] = [
    { sqlite: ['TEXT PRIMARY KEY', ['a', 'B', 'b', 'ä', '10', '9', '']] },
    { postgres: ['TEXT PRIMARY KEY', ['a', 'B', 'b', 'ä', '10', '9', '']] },
    { mariadb: ['VARCHAR(20) PRIMARY KEY', ['a', 'B', 'c', 'ü', '10', '9', '']] },
    { postgres: ['BIGINT PRIMARY KEY', ['9007199254740993', '9007199254740994', '9007199254740995', '-5']] },
    { mariadb: ['BIGINT PRIMARY KEY', ['9007199254740993', '9007199254740994', '9007199254740995', '-5']] },
    {
      postgres: [
        'UUID PRIMARY KEY',
        ['00000000-0000-4000-8000-000000000002', 'ffffffff-0000-4000-8000-000000000001'],
      ],
    },
    {
      mariadb: [
        'BINARY(2) PRIMARY KEY',
        [Buffer.from([0, 200]), Buffer.from([200, 0]), Buffer.from([65, 66])],
      ],
    },
  ];

  it.each(keys.flatMap((entry) => (entry[kind] ? [entry[kind]] : [])))(
    'finds every row by a key of type %s',
    async (type, values) => {
      const checkpoint = join(directory, 'checkpoint.json');
      await legacy.create(type);
      await legacy.insert(values.map((id, index) => ({ ...user(index), id })));
      const faults = new DatabaseFaults(legacy.target);
      const seen = run(
        { batchSize: 1 },
        {
          checkpoint,
          onProgress: ({ read }) => {
            if (read === 1) faults.fail(/^SELECT (?!id).* AS read_at$/s, 'before');
          },
        },
      );
      await expect(seen).rejects.toMatchObject({ code: 'TARGET_UNAVAILABLE' });
      // The key comes back from the checkpoint as what it was.
      const report = await run({ batchSize: 1 }, { checkpoint });
      expect(report).toMatchObject({ read: values.length, imported: values.length, failed: 0 });
    },
  );

  it('refuses a key column that is none', async () => {
    await legacy.create('VARCHAR(20)');
    await legacy.insert([user(1), user(2), { ...user(3), id: 2 }]);
    await expect(run()).rejects.toMatchObject({
      code: 'KEY_COLUMN_UNSUITABLE',
      message: expect.stringMatching(/"id" is not unique or holds nulls/),
    });
    await legacy.source.query(`DELETE FROM ${TABLE} WHERE user_id = 'user-3'`);
    await legacy.insert([{ ...user(4), id: null }]);
    await expect(run()).rejects.toThrow(/not unique or holds nulls/);
    expect(await legacy.written()).toEqual({ tokens: 0, dataKeys: 0 });
  });

  it('says which table or column it cannot read, and that its own tables are missing', async () => {
    await legacy.create();
    await legacy.insert(users(1));
    await expect(run({ table: 'oauth_tokns' })).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringMatching(/oauth_tokns/),
    });
    await expect(run({ keyColumn: 'idd' })).rejects.toMatchObject({
      code: expect.stringMatching(/SOURCE_UNREADABLE|KEY_COLUMN_UNSUITABLE/),
    });
    while ((await legacy.target.query(`SELECT COUNT(*) AS left_over FROM migrations`))[0].left_over > 0)
      await legacy.target.undoLastMigration();
    await expect(run()).rejects.toMatchObject({ code: 'TABLES_MISSING' });
    await expect(run({ target: legacy.source })).rejects.toThrow(/does not know the entities/);
  });

  it('tells all that is wrong with its definition at once', () => {
    const wrong = {
      ...legacy.definition(),
      source: {},
      table: '',
      map: 'map',
      batchSize: 0,
      tabel: 'x',
    } as unknown as ImportDefinition;
    expect(() => legacy.definition(wrong)).toThrow(
      /source: must be a DataSource[^]*table: must be[^]*map: must be a function[^]*batchSize: [^]*tabel: is not an option/,
    );
  });

  it('takes a cipher of your own, and says of what else it throws only where', async () => {
    await legacy.create();
    for (const [id, text] of [
      [1, 'nekot'],
      [2, 'broken'],
      [3, 'odd'],
    ] as const)
      await legacy.insertSealed([id, `user-${id}`, text, null, null]);
    const report = await run({
      cipher: {
        decrypt(stored) {
          if (stored === 'broken') throw new LegacyCipherError('AUTH_FAILED');
          if (stored === 'odd') throw new TypeError(`odd: ${stored}`);
          return (stored as string).replace('nekot', 'token');
        },
      },
    });
    expect(report.failures).toEqual([
      { key: '2', reason: 'LEGACY_AUTH_FAILED', detail: expect.stringMatching(/password or key/) },
      {
        key: '3',
        reason: 'CIPHER_FAILED',
        detail: expect.stringMatching(/^TypeError at import\.spec\.ts:\d+$/),
      },
    ]);
    expect(await tokensOf(await startApp(), 'user-1')).toEqual({ access: 'token', refresh: null });
  });
});
