import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import {
  DataKeyEntity,
  DecryptionError,
  KeyUnavailableError,
  KeyWrapper,
  TokenEntity,
  type TokenModuleOptions,
  TokenError,
} from '@tokenward/nestjs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { recorder } from '../support/import/legacy-table.js';

const options = (keyring: string): TokenModuleOptions => ({
  providers: { [PROVIDER]: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
  encryption: { keyring },
  refresh: { ahead: false },
  cleanup: false,
  revocation: false,
  rotation: false,
  cache: false,
});
const ada = { userId: 'ada', provider: PROVIDER };

describeOnEachDatabase('Keys', ({ createDatabase }) => {
  let database: TestDatabase;
  const replicas: Replica[] = [];

  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    for (const replica of replicas.splice(0)) await replica.close();
    await database.drop();
  });

  const start = async (keyring: string): Promise<Replica> => {
    const replica = await startReplica(database, options(keyring));
    replicas.push(replica);
    return replica;
  };
  const dump = async ({ dataSource }: Replica) => [
    await dataSource.getRepository(DataKeyEntity).find(),
    await dataSource.getRepository(TokenEntity).find(),
  ];

  async function startProcess(keyring: string) {
    const child = fork(fileURLToPath(new URL('../support/replica.process.ts', import.meta.url)), {
      execArgv: ['--conditions=@tokenward/source', '--import', '@oxc-node/core/register'],
    });
    child.send({ database: database.options, options: options(keyring) });
    expect(await once(child, 'message')).toEqual(['ready', undefined]);
    return child;
  }

  it('are created once per tenant although two processes start at once', async () => {
    const keyring = freshKeyring();
    const observer = await start(keyring);
    const children = await Promise.all([startProcess(keyring), startProcess(keyring)]);
    const outcomes = children.map(async (child) => (await once(child, 'message'))[0] as string);
    children.forEach((child, index) =>
      child.send({ ref: { ...ada, userId: `user-${index}` }, tokens: { access_token: `token-${index}` } }),
    );
    expect(await Promise.all(outcomes)).toEqual(['stored', 'stored']);
    const keys = await observer.dataSource.getRepository(DataKeyEntity).find();
    expect(keys.map(({ state, tenantId }) => ({ state, tenantId }))).toEqual([
      { state: 'active', tenantId: 'default' },
    ]);
    for (const index of [0, 1])
      expect((await observer.tokens.getTokens({ ...ada, userId: `user-${index}` }))?.accessToken.value).toBe(
        `token-${index}`,
      );
  });

  it('are one per tenant, and a tenant cannot open what another one has sealed', async () => {
    const replica = await start(freshKeyring());
    for (const tenantId of ['acme', 'umbrella'])
      await replica.tokens.storeTokens({ ...ada, tenantId }, { access_token: tenantId });
    expect(await replica.dataSource.getRepository(DataKeyEntity).count()).toBe(2);
    const record = await replica.encryption.encrypt('x', { tenantId: 'acme', recordId: 'r', field: 'f' });
    await expect(
      replica.encryption.decrypt(record, { tenantId: 'umbrella', recordId: 'r', field: 'f' }),
    ).rejects.toThrow(DecryptionError);
  });

  it('of a wrong keyring change nothing and are not replaced', async () => {
    const right = freshKeyring('1');
    const good = await start(right);
    await good.tokens.storeTokens(ada, { access_token: 'kept', refresh_token: 'kept-too' });
    const before = await dump(good);
    for (const wrong of [freshKeyring('1'), freshKeyring('2')]) {
      const replica = await start(wrong);
      await expect(replica.tokens.getAccessToken(ada)).rejects.toThrow(KeyUnavailableError);
      await expect(replica.tokens.storeTokens(ada, { access_token: 'new' })).rejects.toThrow(
        KeyUnavailableError,
      );
      await expect(
        replica.tokens.storeTokens({ ...ada, tenantId: 'fresh' }, { access_token: 'new' }),
      ).rejects.toThrow(KeyUnavailableError);
      expect(replica.events).toContainEqual(expect.objectContaining({ type: 'keys_checked', ready: false }));
    }
    expect(await dump(good)).toEqual(before);
    expect((await good.tokens.getAccessToken(ada)).value).toBe('kept');
  });

  it('of an older keyring entry still open what they have sealed', async () => {
    const old = freshKeyring('1');
    await (await start(old)).tokens.storeTokens(ada, { access_token: 'kept' });
    const replica = await start(`${freshKeyring('2')},${old}`);
    expect((await replica.tokens.getAccessToken(ada)).value).toBe('kept');
  });

  it('whose check value does not fit are refused', async () => {
    const keyring = freshKeyring();
    await (await start(keyring)).tokens.storeTokens(ada, { access_token: 'kept' });
    await replicas[0]!.dataSource
      .getRepository(DataKeyEntity)
      .update({ state: 'active' }, { checkValue: Buffer.alloc(32).toString('base64url') });
    const replica = await start(keyring);
    await expect(replica.tokens.getAccessToken(ada)).rejects.toThrow(KeyUnavailableError);
    expect(replica.events).toContainEqual(
      expect.objectContaining({ ready: false, reason: expect.stringMatching(/^KEY_CHECK_FAILED/) }),
    );
  });

  const tamper = (cell: Partial<TokenEntity>) =>
    replicas[0]!.dataSource.getRepository(TokenEntity).update({ userId: 'ada' }, cell);

  it('do not open a cell that was moved to another user, column or row', async () => {
    const replica = await start(freshKeyring());
    await replica.tokens.storeTokens(ada, { access_token: 'a1', refresh_token: 'r1' });
    await replica.tokens.storeTokens({ ...ada, userId: 'eve' }, { access_token: 'a2', refresh_token: 'r2' });
    const cells = await replica.dataSource.getRepository(TokenEntity).findOneByOrFail({ userId: 'eve' });
    const own = await replica.dataSource.getRepository(TokenEntity).findOneByOrFail({ userId: 'ada' });
    for (const accessCt of [
      cells.accessCt,
      cells.refreshCt,
      own.refreshCt,
      own.accessCt!.slice(0, -4),
      `${own.accessCt}AAAA`,
    ]) {
      await tamper({ accessCt });
      await expect(replica.tokens.getAccessToken(ada)).rejects.toThrow(DecryptionError);
    }
    expect(replica.events).toContainEqual(
      expect.objectContaining({ type: 'decryption_failed', reason: 'AUTH_FAILED' }),
    );
    await tamper({ accessCt: own.accessCt });
    expect((await replica.tokens.getAccessToken(ada)).value).toBe('a1');
  });

  it('leave a row that cannot be opened as it is, until a new log-in replaces it or a log-out ends it', async () => {
    const replica = await start(freshKeyring());
    await replica.tokens.storeTokens(ada, { access_token: 'a1', refresh_token: 'r1' });
    const own = await replica.dataSource.getRepository(TokenEntity).findOneByOrFail({ userId: 'ada' });
    const broken = `${own.accessCt!.slice(0, -1)}${own.accessCt!.endsWith('A') ? 'Q' : 'A'}`;
    await tamper({ accessCt: broken });
    await expect(replica.tokens.refreshTokens(ada)).rejects.toThrow(TokenError);
    expect(
      (await replica.dataSource.getRepository(TokenEntity).findOneByOrFail({ userId: 'ada' })).accessCt,
    ).toBe(broken);
    expect(await replica.tokens.listTokens(ada)).toHaveLength(1);
    await expect(replica.tokens.storeTokens(ada, { access_token: 'a2' })).rejects.toThrow(DecryptionError);
    await replica.tokens.storeTokens(ada, { access_token: 'a2', refresh_token: 'r2' });
    expect((await replica.tokens.getAccessToken(ada)).value).toBe('a2');
    await tamper({ accessCt: broken });
    await replica.tokens.revokeTokens(ada);
    expect(await replica.tokens.getTokens(ada)).toBeNull();
  });

  it('of a key service that fails become an error without its words, and not ready', async () => {
    class Failing extends KeyWrapper {
      readonly kekId = 'kms';
      wrap(): Promise<Buffer> {
        throw new Error('AccessDenied for secret-role-name');
      }
      unwrap(): Promise<Buffer> {
        throw new Error('AccessDenied for secret-role-name');
      }
    }
    const replica = await startReplica(database, { ...options(''), encryption: { wrapper: new Failing() } });
    replicas.push(replica);
    const error = await replica.tokens.storeTokens(ada, { access_token: 'a' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KeyUnavailableError);
    expect(inspect(error, { depth: Infinity })).not.toContain('secret-role-name');
    expect(replica.events).toContainEqual(
      expect.objectContaining({ type: 'encryption_failed', reason: 'KEK_UNAVAILABLE' }),
    );
  });

  it('that a lagging replica still uses are refused by the database, and it seals again under the current one', async () => {
    const keyring = freshKeyring();
    const lagging = await start(keyring);
    await lagging.tokens.storeTokens(ada, { access_token: 'first' });
    const keys = lagging.dataSource.getRepository(DataKeyEntity);
    const old = await keys.findOneByOrFail({ state: 'active' });
    // What a rotation does: move the rows, then retire the key. Here the one row is deleted instead.
    await lagging.dataSource.getRepository(TokenEntity).delete({ userId: 'ada' });
    await keys.update({ id: old.id }, { state: 'retired', activeFor: null, usableId: null });
    await lagging.tokens.storeTokens(ada, { access_token: 'second' });
    expect((await lagging.tokens.getAccessToken(ada)).value).toBe('second');
    const row = await lagging.dataSource.getRepository(TokenEntity).findOneByOrFail({ userId: 'ada' });
    expect(row.keyId).toBe((await keys.findOneByOrFail({ state: 'active' })).usableId);
    expect(row.keyId).not.toBe(old.usableId);
  });
});

// MariaDB, and MySQL with it, are those that may carry a subquery out once for each row.
describeOnEachDatabase(
  'The data keys of many tenants',
  ({ createDatabase }) => {
    it('are not all read once for each of them to see whether they open', async () => {
      const database = await createDatabase();
      const asked: string[] = [];
      const recorded = { ...database.options, logging: ['query'], logger: recorder(asked) };
      const replica = await startReplica(
        { ...database, options: recorded as TestDatabase['options'] },
        options(freshKeyring()),
      );
      for (const tenantId of ['acme', 'umbrella', 'wayne'])
        await replica.tokens.storeTokens({ ...ada, tenantId }, { access_token: tenantId });
      const look = asked.find((text) => text.includes('MAX(id)'))!;
      const plan = (await replica.dataSource.query(`EXPLAIN ${look}`)) as { select_type: string }[];
      await replica.close();
      await database.drop();
      const types = plan.map((step) => step.select_type);
      expect(types).toContain('UNION');
      expect(types.filter((type) => type.startsWith('DEPENDENT'))).toEqual([]);
    });
  },
  ['mariadb'],
);
