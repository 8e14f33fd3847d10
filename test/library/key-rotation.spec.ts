import {
  DataKeyEntity,
  DecryptionError,
  KeyError,
  KeyUnavailableError,
  KeyWrapper,
  TokenEntity,
  TokenEvents,
  type KeyContext,
  type TokenModuleOptions,
  TokenNotFoundError,
} from '@tokenward/nestjs';
import { DatabaseFaults } from '@tokenward/nestjs/testing';
import { randomUUID } from 'node:crypto';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica } from '../support/app.js';
import {
  createDatabase as createOne,
  describeOnEachDatabase,
  type TestDatabase,
} from '../support/database.js';

const options = (encryption: TokenModuleOptions['encryption']): TokenModuleOptions => ({
  providers: { [PROVIDER]: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
  encryption,
  refresh: { ahead: false },
  cleanup: false,
  rotation: { destroyAfterDays: 0 },
  cache: false,
});
const ada = { userId: 'ada', provider: PROVIDER };
const set = (name: string) => ({ access_token: `a-${name}`, refresh_token: `r-${name}`, expires_in: 3600 });

/** A key service that can be away. */
class Remote extends KeyWrapper {
  kekId = 'remote';
  away = false;
  #blobs = new Map<string, Buffer>();

  override async wrap(dataKey: Buffer, { dataKeyId }: KeyContext): Promise<Buffer> {
    this.#answer();
    this.#blobs.set(dataKeyId, Buffer.from(dataKey));
    return Buffer.from(dataKeyId);
  }

  override async unwrap(blob: Buffer): Promise<Buffer> {
    this.#answer();
    return Buffer.from(this.#blobs.get(blob.toString())!);
  }

  #answer(): void {
    if (this.away) throw new Error('connect ETIMEDOUT');
  }
}

describeOnEachDatabase('Rotation of data keys', ({ createDatabase }) => {
  let database: TestDatabase;
  const replicas: Replica[] = [];

  beforeEach(async () => {
    database = await createDatabase();
  });
  afterEach(async () => {
    for (const replica of replicas.splice(0)) await replica.close();
    await database.drop();
  });

  const start = async (
    encryption: TokenModuleOptions['encryption'],
    more: Partial<TokenModuleOptions> = {},
  ): Promise<Replica> => {
    const replica = await startReplica(database, { ...options(encryption), ...more });
    replicas.push(replica);
    return replica;
  };
  const keysOf = ({ dataSource }: Replica) => dataSource.getRepository(DataKeyEntity);
  const rowsOf = ({ dataSource }: Replica) => dataSource.getRepository(TokenEntity);
  const keyOf = async (replica: Replica, userId = 'ada'): Promise<string | null> =>
    (await rowsOf(replica).findOneByOrFail({ userId })).keyId;
  const active = (replica: Replica, tenantId = 'default') =>
    keysOf(replica).findOneByOrFail({ state: 'active', purpose: 'token', tenantId });
  const store = (replica: Replica, name: string, tenantId = 'default') =>
    replica.tokens.storeTokens({ ...ada, userId: name, tenantId }, set(name));

  it('moves every row to the new key, and the old key is retired, restored and destroyed', async () => {
    const replica = await start({ keyring: freshKeyring() });
    const names = Array.from({ length: 25 }, (_, index) => `user-${index}`);
    for (const name of names) await store(replica, name);
    const old = await active(replica);
    const plan = await replica.keys.plan();
    expect(plan).toMatchObject({ rows: 25, retire: [], destroy: [] });
    expect(plan.rotate.map(({ id }) => id)).toEqual([old.id]);
    expect((await active(replica)).id).toBe(old.id);

    const { rotated } = await replica.keys.rotate({ actor: 'grace' });
    expect(rotated).toEqual([
      { tenantId: 'default', purpose: 'token', from: old.id, to: (await active(replica)).id },
    ]);
    await expect(replica.keys.retire(old.id)).rejects.toMatchObject({
      code: 'KEY_IN_USE',
      message: expect.stringContaining('25 row(s)'),
    });
    expect((await replica.keys.status()).reencryption).toMatchObject({ rowsLeft: 25, quarantinedRows: 0 });

    const progress: number[] = [];
    expect(await replica.maintenance.reencrypt({ onProgress: (moved) => progress.push(moved) })).toBe(25);
    expect(progress.reduce((sum, moved) => sum + moved, 0)).toBe(25);
    expect((await replica.keys.status()).reencryption).toMatchObject({ rowsLeft: 0, estimatedEnd: null });
    for (const name of names) {
      expect(await keyOf(replica, name)).toBe((await active(replica)).usableId);
      const tokens = await replica.tokens.getTokens({ ...ada, userId: name });
      expect([tokens?.accessToken.value, tokens?.refreshToken?.value]).toEqual([`a-${name}`, `r-${name}`]);
    }

    await replica.keys.retire(old.id);
    await replica.keys.restore(old.id);
    await replica.keys.retire(old.id);
    await replica.keys.destroy(old.id);
    expect(await keysOf(replica).findOneByOrFail({ id: old.id })).toMatchObject({
      state: 'destroyed',
      wrapped: null,
    });
    const trail = await replica.keys.audit();
    expect(
      trail.filter(({ keyId }) => keyId === old.id).map(({ action, from, to }) => [action, from, to]),
    ).toEqual([
      ['destroy', 'retired', 'destroyed'],
      ['retire', 'decrypt_only', 'retired'],
      ['restore', 'retired', 'decrypt_only'],
      ['retire', 'decrypt_only', 'retired'],
      ['rotate', 'active', 'decrypt_only'],
      ['create', 'pending', 'active'],
    ]);
    expect(trail.find(({ action }) => action === 'rotate')).toMatchObject({ actor: 'grace' });
  });

  it('leaves rows alone that a refresh has claimed, and moves them later', async () => {
    const replica = await start({ keyring: freshKeyring() });
    await store(replica, 'ada');
    const old = await active(replica);
    await replica.keys.rotate();
    const now = (await replica.keys.status()).now.getTime();
    await rowsOf(replica).update({ userId: 'ada' }, { claimId: 'somebody', claimedAt: now });
    expect(await replica.maintenance.reencrypt()).toBe(0);
    expect(await keyOf(replica)).toBe(old.usableId);
    await rowsOf(replica).update({ userId: 'ada' }, { claimId: null, claimedAt: null });
    expect(await replica.maintenance.reencrypt()).toBe(1);
  });

  it('never overwrites a token set that was stored while its row was being sealed again', async () => {
    const replica = await start({ keyring: freshKeyring() });
    await store(replica, 'ada');
    await replica.keys.rotate();
    const faults = new DatabaseFaults(replica.dataSource);
    const { reached, release } = faults.hold(/^UPDATE .*(json_to_recordset|JSON_TABLE|json_each)/s);
    const moving = replica.maintenance.reencrypt();
    await reached;
    await replica.tokens.storeTokens(ada, set('newer'));
    release();
    expect(await moving).toBe(0);
    expect((await replica.tokens.getTokens(ada))?.refreshToken?.value).toBe('r-newer');
  });

  it('marks rows that cannot be opened, leaves them as they are, and moves the others', async () => {
    const replica = await start({ keyring: freshKeyring() });
    for (const name of ['ada', 'eve', 'bob']) await store(replica, name);
    const { accessCt } = await rowsOf(replica).findOneByOrFail({ userId: 'eve' });
    const broken = `${accessCt!.slice(0, -2)}${accessCt!.endsWith('AA') ? 'QQ' : 'AA'}`;
    await rowsOf(replica).update({ userId: 'eve' }, { accessCt: broken });
    const old = await active(replica);
    await replica.keys.rotate();
    expect(await replica.maintenance.reencrypt()).toBe(2);
    expect(await rowsOf(replica).findOneByOrFail({ userId: 'eve' })).toMatchObject({
      accessCt: broken,
      quarantinedAs: expect.stringMatching(/^(AUTH_FAILED|NOT_ENCRYPTED)$/),
    });
    expect(replica.events).toContainEqual(expect.objectContaining({ type: 'row_quarantined' }));
    expect((await replica.keys.status()).reencryption).toMatchObject({ rowsLeft: 0, quarantinedRows: 1 });
    await expect(replica.keys.retire(old.id)).rejects.toThrow(/1 row\(s\).*1 of them quarantined/s);
    await store(replica, 'eve');
    await replica.keys.retire(old.id);
  });

  it('stops rather than mark everything when the key is not the one that has sealed the rows', async () => {
    const replica = await start({ keyring: freshKeyring() });
    for (const name of ['ada', 'eve']) await store(replica, name);
    // Another commitment in every record: what a data key with other bytes would give.
    for (const row of await rowsOf(replica).find()) {
      const other = (cell: string): string => {
        const bytes = Buffer.from(cell.slice(4), 'base64url');
        bytes[50]! ^= 1;
        return `tm1.${bytes.toString('base64url')}`;
      };
      await rowsOf(replica).update(
        { id: row.id },
        { accessCt: other(row.accessCt!), refreshCt: other(row.refreshCt!) },
      );
    }
    await replica.keys.rotate();
    await expect(replica.maintenance.reencrypt()).rejects.toMatchObject({ reason: 'KEY_MISMATCH' });
    expect(await rowsOf(replica).countBy({ quarantinedAs: 'KEY_MISMATCH' })).toBe(0);
  });

  it('marks changed rows also when the others have been moved in an earlier run', async () => {
    const replica = await start({ keyring: freshKeyring() });
    for (const name of ['ada', 'eve', 'bob']) await store(replica, name);
    await replica.keys.rotate();
    for (const userId of ['eve', 'bob']) {
      const { id, accessCt } = await rowsOf(replica).findOneByOrFail({ userId });
      const bytes = Buffer.from(accessCt!.slice(4), 'base64url');
      bytes[50]! ^= 1;
      await rowsOf(replica).update(
        { id },
        {
          accessCt: `tm1.${bytes.toString('base64url')}`,
          claimId: 'somebody',
          claimedAt: Date.now() + 60_000,
        },
      );
    }
    expect(await replica.maintenance.reencrypt()).toBe(1);
    for (const userId of ['eve', 'bob'])
      await rowsOf(replica).update({ userId }, { claimId: null, claimedAt: null });
    expect(await replica.maintenance.reencrypt()).toBe(0);
    expect(await rowsOf(replica).countBy({ quarantinedAs: 'KEY_MISMATCH' })).toBe(2);
  });

  it('writes less at once while its process hands out tokens', async () => {
    const replica = await start({ keyring: freshKeyring() }, { rotation: { batchSize: 10 } });
    for (let user = 0; user < 160; user++)
      await replica.tokens.storeTokens(
        { ...ada, userId: `user-${user}` },
        { access_token: 'a'.repeat(8000), expires_in: 3600 },
      );
    const longStatements = async (onProgress = (): void => undefined): Promise<number> => {
      await replica.keys.rotate();
      let long = 0;
      await replica.maintenance.reencrypt({
        onProgress(moved) {
          if (moved === 10) long += 1;
          onProgress();
        },
      });
      return long;
    };
    expect(await longStatements()).toBeGreaterThanOrEqual(15);
    const read = (): void => replica.module.get(TokenEvents).emit({ type: 'token_read', source: 'cache' });
    expect(await longStatements(read)).toBeLessThan(8);
  });

  it('goes on where it ended when the database was away', async () => {
    const replica = await start({ keyring: freshKeyring() }, { rotation: { batchSize: 2 } });
    for (let index = 0; index < 6; index++) await store(replica, `user-${index}`);
    await replica.keys.rotate();
    const faults = new DatabaseFaults(replica.dataSource);
    for (const [pattern, when] of [
      [/SELECT id, tenant_id, access_ct/, 'before'],
      [/^UPDATE .*new_access/s, 'after'],
    ] as const) {
      faults.fail(pattern, when);
      await expect(replica.maintenance.reencrypt()).rejects.toThrow();
    }
    await replica.maintenance.reencrypt();
    expect((await replica.keys.status()).reencryption.rowsLeft).toBe(0);
    for (let index = 0; index < 6; index++)
      expect((await replica.tokens.getAccessToken({ ...ada, userId: `user-${index}` })).value).toBe(
        `a-user-${index}`,
      );
  });

  it('by two replicas at once gives each tenant one new key', async () => {
    const keyring = freshKeyring();
    const [one, two] = [await start({ keyring }), await start({ keyring })];
    for (const tenant of ['acme', 'umbrella']) await store(one, 'ada', tenant);
    await Promise.all([one.keys.rotate(), two.keys.rotate(), one.keys.rotate(), two.keys.rotate()]);
    for (const tenantId of ['acme', 'umbrella'])
      expect(await keysOf(one).countBy({ tenantId, state: 'active' })).toBe(1);
    expect(await keysOf(one).countBy({ state: 'pending' })).toBe(0);
    await Promise.all([one.maintenance.reencrypt(), two.maintenance.reencrypt()]);
    expect((await one.keys.status()).reencryption.rowsLeft).toBe(0);
  });

  it('is scheduled by age, and retires what is empty', async () => {
    const replica = await start({ keyring: freshKeyring() });
    await store(replica, 'ada');
    expect(await replica.maintenance.rotate()).toBe(0);
    const old = await active(replica);
    await keysOf(replica).update({ id: old.id }, { createdAt: old.createdAt - 91 * 86_400_000 });
    expect(await replica.maintenance.rotate()).toBe(1);
    expect((await active(replica)).id).not.toBe(old.id);
    // Replaced an hour ago.
    await keysOf(replica).update({ id: old.id }, { stateChangedAt: old.stateChangedAt - 3_700_000 });
    await replica.maintenance.rotate();
    expect(await keysOf(replica).findOneByOrFail({ id: old.id })).toMatchObject({ state: 'retired' });
  });

  it('is seen by other replicas, which forget a retired key', async () => {
    const keyring = freshKeyring();
    const [one, two] = [await start({ keyring }), await start({ keyring })];
    await store(two, 'ada');
    const old = await active(one);
    await one.keys.rotate();
    await one.maintenance.reencrypt();
    await one.keys.retire(old.id);
    await vi.waitFor(
      async () => {
        await store(two, 'bob');
        expect(two.events.filter(({ type }) => type === 'write_fenced').length).toBeLessThanOrEqual(1);
        expect(await keyOf(two, 'bob')).toBe((await active(one)).usableId);
      },
      { timeout: 90_000 },
    );
    expect((await two.tokens.getAccessToken(ada)).value).toBe('a-ada');
  });

  it('refuses what a key’s state does not allow, and says which one it needs', async () => {
    const replica = await start({ keyring: freshKeyring() });
    await store(replica, 'ada');
    const { id } = await active(replica);
    for (const change of ['retire', 'restore', 'destroy'] as const)
      await expect(replica.keys[change](id)).rejects.toMatchObject({
        code: 'KEY_STATE_INVALID',
        message: expect.stringMatching(/is active; to \w+ it, it must be/),
      });
    await expect(replica.keys.retire('nobody')).rejects.toMatchObject({ code: 'KEY_UNKNOWN' });
    await expect(replica.keys.rotate({ actor: '' })).rejects.toMatchObject({ field: 'actor' });
  });

  it('does not destroy a key while a backup may need it', async () => {
    const replica = await start({ keyring: freshKeyring() }, { rotation: { destroyAfterDays: 30 } });
    await store(replica, 'ada');
    const { id } = await active(replica);
    await replica.keys.rotate();
    await replica.maintenance.reencrypt();
    await replica.keys.retire(id);
    await expect(replica.keys.destroy(id)).rejects.toMatchObject({ code: 'KEY_DESTROY_TOO_EARLY' });
    expect((await replica.keys.plan()).destroy).toEqual([]);
  });

  it('keeps what the application has encrypted readable: its keys are rotated, never retired', async () => {
    const replica = await start({ keyring: freshKeyring() });
    const context = { tenantId: 'default', recordId: 'hook', field: 'secret' };
    const record = await replica.encryption.encrypt('mine', context);
    const { rotated } = await replica.keys.rotate();
    expect(rotated.map(({ purpose }) => purpose)).toEqual(['application']);
    await expect(replica.keys.retire(rotated[0]!.from)).rejects.toMatchObject({ code: 'KEY_STATE_INVALID' });
    expect((await replica.encryption.decrypt(record, context)).toString()).toBe('mine');
  });

  it('of a shredded tenant leaves nothing to read on any replica, and gives it no new keys', async () => {
    const keyring = freshKeyring();
    const [one, two] = [await start({ keyring }), await start({ keyring })];
    for (const tenant of ['acme', 'umbrella']) await store(one, 'ada', tenant);
    const context = { tenantId: 'acme', recordId: 'hook', field: 'secret' };
    const record = await two.encryption.encrypt('mine', context);
    await two.tokens.getAccessToken({ ...ada, tenantId: 'acme' });
    expect(await one.keys.shredTenant('acme', { actor: 'grace' })).toEqual({ keys: 2, tokens: 1 });
    for (const replica of [one, two]) {
      await expect(replica.tokens.getAccessToken({ ...ada, tenantId: 'acme' })).rejects.toThrow(
        TokenNotFoundError,
      );
      await expect(store(replica, 'ada', 'acme')).rejects.toThrow(KeyUnavailableError);
      expect((await replica.tokens.getAccessToken({ ...ada, tenantId: 'umbrella' })).value).toBe('a-ada');
    }
    await vi.waitFor(() => expect(two.encryption.decrypt(record, context)).rejects.toThrow(DecryptionError), {
      timeout: 90_000,
    });
    expect(await keysOf(one).findBy({ tenantId: 'acme' })).toSatisfy((keys: DataKeyEntity[]) =>
      keys.every(({ state, wrapped, usableId }) => state === 'destroyed' && !wrapped && !usableId),
    );
    expect(await one.keys.audit()).toContainEqual(
      expect.objectContaining({ action: 'shred_tenant', tenantId: 'acme', actor: 'grace' }),
    );
    expect(await one.keys.shredTenant('acme')).toEqual({ keys: 0, tokens: 0 });
    await one.keys.shredTenant('never-seen');
    await expect(store(two, 'ada', 'never-seen')).rejects.toThrow(KeyUnavailableError);
  });

  it('of the key-encryption key wraps data keys anew when every replica holds it, and not before', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tokenward-keyring-'));
    const files = [join(directory, 'one'), join(directory, 'two')];
    const [old, fresh] = [freshKeyring('1'), freshKeyring('2')];
    for (const file of files) await writeFile(file, old);
    const [one, two] = [
      await start({ keyring: { file: files[0]! } }),
      await start({ keyring: { file: files[1]! } }),
    ];
    await store(one, 'ada', 'acme');
    const row = await rowsOf(one).findOneByOrFail({ tenantId: 'acme' });

    await writeFile(files[0]!, `${fresh},${old}`);
    await vi.waitFor(
      () => expect(one.keys.rotateKek()).rejects.toMatchObject({ code: 'KEK_NOT_EVERYWHERE' }),
      { timeout: 90_000, interval: 200 },
    );
    await store(one, 'ada', 'umbrella');
    expect((await active(one, 'umbrella')).kekId).toBe('1');
    expect((await one.keys.plan()).rewrap.refusedBecause).toMatch(/"2" is not held by 1 live replica/);

    await writeFile(files[1]!, `${fresh},${old}`);
    await vi.waitFor(async () => expect(await one.keys.rotateKek()).toEqual({ kekId: '2', rewrapped: 2 }), {
      timeout: 90_000,
      interval: 200,
    });
    for (const { kekId } of await keysOf(one).find()) expect(kekId).toBe('2');
    expect(await rowsOf(one).findOneByOrFail({ tenantId: 'acme' })).toEqual(row);
    expect((await two.tokens.getAccessToken({ ...ada, tenantId: 'acme' })).value).toBe('a-ada');
    await store(two, 'ada', 'fresh');
    expect((await active(two, 'fresh')).kekId).toBe('2');
    await rm(directory, { recursive: true });
  });

  it('ignores a keyring file that has become unusable, and says so', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tokenward-keyring-'));
    const file = join(directory, 'keyring');
    await writeFile(file, freshKeyring('1'));
    const replica = await start({ keyring: { file } });
    await store(replica, 'ada');
    await writeFile(file, 'rubbish');
    await vi.waitFor(
      () =>
        expect(replica.events).toContainEqual(
          expect.objectContaining({
            type: 'keyring_checked',
            fault: expect.stringContaining('has no colon'),
          }),
        ),
      { timeout: 90_000 },
    );
    expect((await replica.tokens.getAccessToken(ada)).value).toBe('a-ada');
    await rm(directory, { recursive: true });
  });

  it('does not use a key-encryption key that has other bytes on another replica', async () => {
    const old = freshKeyring('1');
    const one = await start({ keyring: `${freshKeyring('2')},${old}` });
    const two = await start({ keyring: `${freshKeyring('2')},${old}` });
    expect(two.events).toContainEqual(
      expect.objectContaining({ type: 'keyring_checked', fault: expect.stringContaining('"2"') }),
    );
    await store(one, 'ada');
    expect((await active(one)).kekId).toBe('1');
    expect((await two.tokens.getAccessToken(ada)).value).toBe('a-ada');
  });

  it('keeps a data key as it is when its new wrapping does not open', async () => {
    class Careless extends Remote {
      override kekId = 'first';
      override get kekIds(): readonly string[] {
        return ['first', 'second'];
      }
      override async rewrap(blob: Buffer): Promise<Buffer> {
        return blob.subarray(1);
      }
    }
    const wrapper = new Careless();
    const replica = await start({ wrapper });
    await store(replica, 'ada');
    const before = await active(replica);
    wrapper.kekId = 'second';
    await expect(replica.keys.rotateKek()).rejects.toThrow(KeyUnavailableError);
    expect(await active(replica)).toEqual(before);
  });

  it('of the key-encryption key that one data key keeps back says how many were wrapped, and to keep both', async () => {
    const old = freshKeyring('1');
    const before = await start({ keyring: old });
    for (const tenant of ['acme', 'umbrella', 'wayne']) await store(before, 'ada', tenant);
    const wrapped = Buffer.alloc(80, 1).toString('base64url');
    await keysOf(before).update({ tenantId: 'umbrella' }, { wrapped });
    await before.close();
    replicas.pop();
    const replica = await start({ keyring: `${freshKeyring('2')},${old}` });
    await expect(replica.keys.rotateKek()).rejects.toMatchObject({
      code: 'KEY_UNAVAILABLE',
      reason: expect.stringMatching(/^KEK_UNWRAP_FAILED: /),
      message: expect.stringMatching(
        / 2 data key\(s\) were wrapped anew under "2", 1 not\. Keep it and the old key-encryption keys/,
      ),
    });
    expect(await keysOf(replica).countBy({ kekId: '2' })).toBe(2);
  });

  it('that the key service refuses for one tenant says how many keys were replaced, and whose was not', async () => {
    class Throttling extends Remote {
      throttled = '';
      override async wrap(dataKey: Buffer, context: KeyContext): Promise<Buffer> {
        if (context.tenantId === this.throttled) throw new KeyError('KMS_THROTTLED', 'too many requests');
        return super.wrap(dataKey, context);
      }
    }
    const wrapper = new Throttling();
    const replica = await start({ wrapper });
    for (const tenant of ['acme', 'umbrella', 'wayne']) await store(replica, 'ada', tenant);
    wrapper.throttled = 'umbrella';
    await expect(replica.keys.rotate()).rejects.toMatchObject({
      code: 'KEY_UNAVAILABLE',
      reason: 'KMS_THROTTLED: too many requests',
      message: expect.stringMatching(
        / 2 data key\(s\) were replaced, 1 not, the first of them [\da-f-]{36}\. Repeat this for the tenants/,
      ),
    });
    expect(await keysOf(replica).countBy({ state: 'decrypt_only' })).toBe(2);
  });

  it('takes no other bytes under a known id from a keyring file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tokenward-keyring-'));
    const file = join(directory, 'keyring');
    const old = freshKeyring('1');
    await writeFile(file, `${freshKeyring('2')},${old}`);
    const replica = await start({ keyring: { file } });
    await store(replica, 'ada');
    await writeFile(file, `${freshKeyring('2')},${old}`);
    await vi.waitFor(
      () =>
        expect(replica.events).toContainEqual(
          expect.objectContaining({
            type: 'keyring_checked',
            fault: expect.stringContaining('a new key needs a new id'),
          }),
        ),
      { timeout: 90_000 },
    );
    await store(replica, 'ada', 'fresh');
    expect((await replica.tokens.getAccessToken({ ...ada, tenantId: 'fresh' })).value).toBe('a-ada');
    await rm(directory, { recursive: true });
  });

  it('does not bring a tenant back that is shredded meanwhile', async () => {
    const keyring = freshKeyring();
    const [one, two] = [await start({ keyring }), await start({ keyring })];
    await store(one, 'ada', 'acme');
    await one.keys.rotate();
    for (let round = 0; round < 5; round++)
      await Promise.allSettled([
        two.keys.rotate({ tenantId: 'acme' }),
        one.keys.shredTenant('acme'),
        two.keys.rotate({ tenantId: 'acme' }),
      ]);
    expect(await keysOf(one).countBy({ tenantId: 'acme', state: 'active' })).toBe(0);
    for (const replica of [one, two])
      await expect(store(replica, 'ada', 'acme')).rejects.toThrow(KeyUnavailableError);
  });

  it('erases what somebody has copied under a shredded tenant’s key, too', async () => {
    const replica = await start({ keyring: freshKeyring() });
    for (const tenant of ['acme', 'umbrella']) await store(replica, 'ada', tenant);
    const { accessCt, refreshCt } = await rowsOf(replica).findOneByOrFail({ tenantId: 'acme' });
    await rowsOf(replica).update({ tenantId: 'umbrella' }, { accessCt, refreshCt });
    expect(await replica.keys.shredTenant('acme')).toMatchObject({ tokens: 2 });
  });

  it('plans, counts and retires however many replaced keys there are', async () => {
    const replica = await start({ keyring: freshKeyring() });
    await store(replica, 'ada');
    const old = await active(replica);
    await replica.keys.rotate();
    const { keyId } = await rowsOf(replica).findOneByOrFail({ userId: 'ada' });
    expect(keyId).toBe(old.usableId);
    const others = Array.from({ length: 1001 }, () => ({
      ...Object.fromEntries(Object.entries(old)),
      id: randomUUID(),
      usableId: null,
      activeFor: null,
      purpose: 'application',
      state: 'decrypt_only' as const,
      stateChangedAt: old.stateChangedAt + 3_600_000,
    }));
    for (let from = 0; from < others.length; from += 100)
      await keysOf(replica).insert(others.slice(from, from + 100));
    expect((await replica.keys.status()).reencryption.rowsLeft).toBe(1);
    expect(await replica.keys.plan()).toMatchObject({ rows: 0, rotate: [{ purpose: 'token' }] });
    await replica.maintenance.reencrypt();
    expect((await replica.keys.plan()).retire.map(({ id }) => id)).toEqual([old.id]);
    await keysOf(replica).update({ id: old.id }, { stateChangedAt: old.stateChangedAt - 3_700_000 });
    await replica.maintenance.rotate();
    expect((await keysOf(replica).findOneByOrFail({ id: old.id })).state).toBe('retired');
  });

  it('of one tenant’s damaged key fails, and the other tenants are served', async () => {
    const keyring = freshKeyring();
    const first = await start({ keyring });
    for (const tenant of ['acme', 'umbrella', 'wayne']) await store(first, 'ada', tenant);
    const damaged = await active(first, 'acme');
    await first.keys.rotate();
    await keysOf(first).update({ id: damaged.id }, { wrapped: Buffer.alloc(80, 1).toString('base64url') });
    const replica = await start({ keyring });
    await expect(replica.maintenance.rotate()).rejects.toThrow(KeyUnavailableError);
    expect((await replica.keys.status()).reencryption.rowsLeft).toBe(1);
    expect((await replica.tokens.getAccessToken({ ...ada, tenantId: 'wayne' })).value).toBe('a-ada');
    await store(replica, 'ada', 'fresh');
  });

  it('writes nothing while it only plans and reports', async () => {
    const old = freshKeyring('1');
    const replica = await start({ keyring: old });
    await store(replica, 'ada');
    const dump = async () => {
      const all: unknown[] = [];
      for (const { name } of replica.dataSource.entityMetadatas)
        if (name !== 'ReplicaEntity') all.push(await replica.dataSource.getRepository(name).find());
      return all;
    };
    const before = await dump();
    await replica.keys.plan();
    await replica.keys.status();
    expect(await dump()).toEqual(before);
  });

  it('does not retire by itself what somebody has restored', async () => {
    const replica = await start({ keyring: freshKeyring() });
    await store(replica, 'ada');
    const { id, stateChangedAt } = await active(replica);
    await replica.keys.rotate();
    await replica.maintenance.reencrypt();
    await replica.keys.retire(id);
    await replica.keys.restore(id);
    await keysOf(replica).update({ id }, { stateChangedAt: stateChangedAt - 3_700_000 });
    await replica.maintenance.rotate();
    expect((await keysOf(replica).findOneByOrFail({ id })).state).toBe('decrypt_only');
  });

  it('clears away what a killed process has left half made', async () => {
    const replica = await start({ keyring: freshKeyring() });
    await store(replica, 'ada');
    const key = await active(replica);
    const left = {
      ...Object.fromEntries(Object.entries(key)),
      id: randomUUID(),
      usableId: null,
      activeFor: null,
      state: 'pending' as const,
    };
    await keysOf(replica).insert([left, { ...left, id: randomUUID(), createdAt: key.createdAt - 3_700_000 }]);
    await replica.maintenance.rotate();
    expect(await keysOf(replica).findBy({ state: 'pending' })).toMatchObject([{ id: left.id }]);
  });

  it('uses no key-encryption key that two replicas bring with other bytes at the same time', async () => {
    const old = freshKeyring('1');
    await store(await start({ keyring: old }), 'ada');
    const [one, two] = await Promise.all([1, 2].map(() => start({ keyring: `${freshKeyring('2')},${old}` })));
    for (const [index, replica] of [one!, two!].entries()) {
      await store(replica, 'ada', `tenant-${index}`);
      expect((await active(replica, `tenant-${index}`)).kekId).toBe('1');
    }
  });

  it('lets a keyring be replaced that has never wrapped anything', async () => {
    await (await start({ keyring: freshKeyring('1') })).close();
    replicas.pop();
    const replica = await start({ keyring: freshKeyring('1') });
    await store(replica, 'ada');
    expect((await replica.tokens.getAccessToken(ada)).value).toBe('a-ada');
  });
});

describeOnEachDatabase('A key service that is away', ({ createDatabase }) => {
  it('is not missed by reads and known tenants, and makes new tenants fail clearly', async () => {
    const database = await createDatabase();
    const wrapper = new Remote();
    const replica = await startReplica(database, options({ wrapper }));
    try {
      await replica.tokens.storeTokens(ada, set('ada'));
      wrapper.away = true;
      expect((await replica.tokens.getAccessToken(ada)).value).toBe('a-ada');
      await replica.tokens.storeTokens(ada, set('newer'));
      await expect(
        replica.tokens.storeTokens({ ...ada, tenantId: 'fresh' }, set('ada')),
      ).rejects.toMatchObject({
        code: 'KEY_UNAVAILABLE',
        reason: 'KEK_UNAVAILABLE',
        message: 'No usable encryption key (KEK_UNAVAILABLE). The health endpoint tells more.',
      });
    } finally {
      await replica.close();
      await database.drop();
    }
  });
});

describe('An open transaction of the application on SQLite', () => {
  it('takes no data key with it when it rolls back', async () => {
    const database = await createOne('sqlite');
    const replica = await startReplica(database, options({ keyring: freshKeyring() }));
    try {
      await replica.tokens.storeTokens(ada, set('ada'));
      const host = replica.dataSource.createQueryRunner();
      await host.startTransaction();
      const rotating = replica.keys.rotate();
      await host.rollbackTransaction();
      const { rotated } = await rotating;
      expect(
        await replica.dataSource.getRepository(DataKeyEntity).findOneByOrFail({ state: 'active' }),
      ).toMatchObject({ id: rotated[0]!.to });
    } finally {
      await replica.close();
      await database.drop();
    }
  });
});
