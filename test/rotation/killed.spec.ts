import { DataKeyEntity, type TokenModuleOptions } from '@tokenward/nestjs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { type Bundle, bundleProcess } from '../support/rotation/bundle.js';
import { KilledError, Member } from '../support/rotation/member.js';

const users = Array.from({ length: 6 }, (_, index) => `user-${index}`);
const refOf = (userId: string) => ({ userId, provider: PROVIDER });

describeOnEachDatabase('A replica that is killed at any write of a rotation', ({ createDatabase }) => {
  let bundle: Bundle;
  let database: TestDatabase;
  let options: TokenModuleOptions;
  let survivor: Replica;

  beforeAll(async () => {
    bundle = await bundleProcess('replica.process');
  });
  afterAll(() => bundle.remove());
  beforeEach(async () => {
    database = await createDatabase();
    options = {
      providers: { [PROVIDER]: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
      encryption: { keyring: freshKeyring() },
      refresh: { ahead: false },
      cleanup: false,
      revocation: false,
      rotation: false,
      cache: false,
    };
    survivor = await startReplica(database, options);
    for (const user of users)
      await survivor.tokens.storeTokens(refOf(user), {
        access_token: `access-${user}`,
        refresh_token: `refresh-${user}`,
      });
  });
  afterEach(async () => {
    await survivor.close();
    await database.drop();
  });

  const keys = () => survivor.dataSource.getRepository(DataKeyEntity);

  /** Rotates, moves the rows, retires the old key and leaves; true if the process has lived to the end of it. */
  async function rotateAndDieAt(write: number): Promise<boolean> {
    const victim = new Member(bundle.file);
    await victim.begin({ database: database.options, options }, () => undefined);
    await victim.call('dieAtWrite', write);
    const died = victim.died();
    try {
      const { rotated } = await victim.call('rotate');
      await victim.call('reencrypt');
      for (const { from } of rotated) await victim.call('retire', from);
      await victim.leave();
    } catch (error) {
      if (!(error instanceof KilledError)) throw error;
      await died;
      return false;
    }
    died.catch(() => undefined);
    return true;
  }

  it('leaves nothing that the others cannot finish, and loses no token', { timeout: 300_000 }, async () => {
    let write = 0;
    while (!(await rotateAndDieAt(write))) {
      expect(await keys().countBy({ state: 'active' })).toBe(1);
      for (const user of users) {
        const tokens = await survivor.tokens.getTokens(refOf(user));
        expect([tokens?.accessToken.value, tokens?.refreshToken?.value]).toEqual([
          `access-${user}`,
          `refresh-${user}`,
        ]);
      }
      write++;
    }
    // Two INSERTs or UPDATEs of keys, their audit rows, one batch of rows, its progress, and the end of the old key.
    expect(write).toBeGreaterThan(8);
    await survivor.maintenance.reencrypt();
    expect((await survivor.keys.status()).reencryption).toMatchObject({ rowsLeft: 0, quarantinedRows: 0 });
    for (const { id } of (await survivor.keys.plan()).retire) await survivor.keys.retire(id);
    expect(await keys().countBy({ state: 'decrypt_only' })).toBe(0);
    for (const user of users)
      expect((await survivor.tokens.getTokens(refOf(user)))?.refreshToken?.value).toBe(`refresh-${user}`);
  });
});
