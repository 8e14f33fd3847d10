import { format } from 'node:util';
import {
  DecryptionError,
  KeyUnavailableError,
  tokenEntities,
  tokenMigrations,
  type TokenModuleOptions,
  TokenNotFoundError,
} from '@tokenward/nestjs';
import { DataSource, type EntityTarget, type ObjectLiteral } from 'typeorm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshKeyring, PROVIDER, type Replica, startReplica } from '../support/app.js';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';

const options = (keyring: string): TokenModuleOptions => ({
  providers: { [PROVIDER]: { tokenEndpoint: 'https://id.example.com/token', clientId: 'app' } },
  encryption: { keyring },
  refresh: { ahead: false },
  cleanup: false,
  revocation: false,
  rotation: false,
  cache: false,
});
const tenants = ['acme', 'umbrella', 'wayne'];
const tokenOf = (kind: string, tenant: string): string => `${kind}-token-of-${tenant}`;
const refOf = (tenantId: string) => ({ tenantId, userId: 'ada', provider: PROVIDER });

type Dump = [EntityTarget<ObjectLiteral>, ObjectLiteral[]][];

describeOnEachDatabase('A stolen database', ({ createDatabase }) => {
  let mine: TestDatabase;
  let theirs: TestDatabase;
  let keyring: string;
  let replica: Replica;
  const logged: string[] = [];

  beforeEach(async () => {
    mine = await createDatabase();
    theirs = await createDatabase();
    keyring = freshKeyring();
    logged.length = 0;
    replica = await startReplica(mine, options(keyring));
    for (const tenant of tenants)
      await replica.tokens.storeTokens(refOf(tenant), {
        access_token: tokenOf('access', tenant),
        refresh_token: tokenOf('refresh', tenant),
      });
    await replica.keys.rotate();
    await replica.maintenance.reencrypt();
  });
  afterEach(async () => {
    await replica.close();
    await mine.drop();
    await theirs.drop();
  });

  /** Every row of every table, and everything that was told to logs and metrics. */
  const steal = async (): Promise<Dump> => {
    const dump: Dump = [];
    for (const { target } of replica.dataSource.entityMetadatas)
      dump.push([target, await replica.dataSource.getRepository(target).find()]);
    for (const event of replica.events) logged.push(format('%o', event));
    return dump;
  };

  /** The thief's own application, on a database of its own that holds the dump. */
  const restore = async (dump: Dump): Promise<void> => {
    const source = await new DataSource({
      ...theirs.options,
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
    }).initialize();
    try {
      await source.runMigrations();
      const isKeys = ([target]: Dump[number]): number =>
        Number(source.getMetadata(target).name === 'DataKeyEntity');
      for (const [target, rows] of dump.toSorted((a, b) => isKeys(b) - isKeys(a)))
        if (rows.length > 0) await source.getRepository(target).insert(rows);
    } finally {
      await source.destroy();
    }
  };

  const opened = async (withKeyring: string): Promise<Record<string, unknown>> => {
    const thief = await startReplica(theirs, options(withKeyring));
    try {
      const found: Record<string, unknown> = {};
      for (const tenant of tenants)
        found[tenant] = await thief.tokens.getTokens(refOf(tenant)).then(
          (tokens) => tokens && [tokens.accessToken.value, tokens.refreshToken?.value],
          (error: Error) => error.constructor,
        );
      return found;
    } finally {
      await thief.close();
    }
  };

  it('opens nothing without the key-encryption key, nor do the logs', async () => {
    const dump = await steal();
    const everything = `${JSON.stringify(dump.map(([, rows]) => rows))}${logged.join('\n')}`;
    for (const tenant of tenants)
      for (const kind of ['access', 'refresh']) {
        const token = tokenOf(kind, tenant);
        for (const form of ['utf8', 'base64', 'base64url', 'hex'] as const)
          expect(everything).not.toContain(Buffer.from(token).toString(form));
      }
    expect(everything).not.toContain(keyring.split(':')[1]);
    await restore(dump);
    for (const wrong of [freshKeyring('1'), freshKeyring('2')])
      expect(await opened(wrong)).toEqual({
        acme: KeyUnavailableError,
        umbrella: KeyUnavailableError,
        wayne: KeyUnavailableError,
      });
  });

  it('opens everything with the key-encryption key, but for a tenant that was shredded before', async () => {
    await replica.keys.shredTenant('umbrella');
    await restore(await steal());
    expect(await opened(keyring)).toEqual({
      acme: [tokenOf('access', 'acme'), tokenOf('refresh', 'acme')],
      umbrella: null,
      wayne: [tokenOf('access', 'wayne'), tokenOf('refresh', 'wayne')],
    });
    const thief = await startReplica(theirs, options(keyring));
    await expect(thief.tokens.getAccessToken(refOf('umbrella'))).rejects.toThrow(TokenNotFoundError);
    await thief.close();
  });

  it('does not open a shredded tenant’s tokens even where its rows come from an older backup', async () => {
    const before = await steal();
    await replica.keys.shredTenant('umbrella');
    const after = await steal();
    // The keys of today, the tokens of yesterday; the shredded tenant's rows have lost the key that they point at.
    const keys = after.filter(([target]) => replica.dataSource.getMetadata(target).name !== 'TokenEntity');
    const rows = before.filter(([target]) => replica.dataSource.getMetadata(target).name === 'TokenEntity');
    const umbrella = rows[0]![1].find(({ tenantId }) => tenantId === 'umbrella')!;
    const others = rows.map(
      ([target, all]) => [target, all.filter((row) => row !== umbrella)] as Dump[number],
    );
    await expect(restore([...keys, ...rows])).rejects.toThrow(/foreign key/i);
    await theirs.drop();
    theirs = await createDatabase();
    await restore([...keys, ...others]);
    expect(await opened(keyring)).toMatchObject({ acme: expect.any(Array), umbrella: null });
    const context = { tenantId: 'umbrella', recordId: umbrella['id'] as string, field: 'access_token' };
    const record = Buffer.from((umbrella['accessCt'] as string).slice(4), 'base64url');
    const thief = await startReplica(theirs, options(keyring));
    await expect(thief.encryption.decrypt(record, context)).rejects.toThrow(DecryptionError);
    await thief.close();
  });
});
