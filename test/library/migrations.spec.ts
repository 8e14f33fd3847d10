import { DataKeyEntity, TokenEntity, tokenEntities, tokenMigrations } from '@tokenward/nestjs';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeOnEachDatabase, type TestDatabase } from '../support/database.js';

describeOnEachDatabase('The migrations', ({ kind, createDatabase }) => {
  let database: TestDatabase;
  let source: DataSource;

  beforeEach(async () => {
    database = await createDatabase();
    source = await new DataSource({
      ...database.options,
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
    }).initialize();
  });
  afterEach(async () => {
    await source.destroy();
    await database.drop();
  });

  const drift = async (): Promise<string[]> =>
    (await source.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);

  it('make exactly the tables of the entities', async () => {
    await source.runMigrations();
    expect(await drift()).toEqual([]);
  });

  it('make the same as synchronize does', async () => {
    await source.synchronize();
    expect(await drift()).toEqual([]);
  });

  it('follow the data source’s schema and prefix', async () => {
    const inSchema = kind === 'postgres' ? { schema: 'app' } : { entityPrefix: 'app_' };
    if (kind === 'postgres') await source.query('CREATE SCHEMA app');
    const options = {
      ...database.options,
      ...inSchema,
      entities: [...tokenEntities],
      migrations: [...tokenMigrations],
    } as DataSourceOptions;
    const other = await new DataSource(options).initialize();
    await other.runMigrations();
    expect((await other.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
    await other.undoLastMigration();
    await other.destroy();
  });

  it('go back, and forward again', async () => {
    await source.runMigrations();
    for (const _ of tokenMigrations) await source.undoLastMigration();
    expect(await source.createQueryRunner().hasTable('tokenward_tokens')).toBe(false);
    await source.runMigrations();
    expect(await drift()).toEqual([]);
  });

  const KEY = 'A'.repeat(22);
  const OTHER = 'B'.repeat(22);
  const addKeys = () =>
    source.getRepository(DataKeyEntity).insert(
      [KEY, OTHER].map((usableId, index) => ({
        id: `key-${index}`,
        usableId,
        activeFor: null,
        tenantId: 't',
        purpose: 'token',
        state: 'active' as const,
        kekId: '1',
        wrapped: 'x',
        checkValue: 'x',
        createdAt: 0,
        stateChangedAt: 0,
      })),
    );
  const sealed = (key: string): string => `tm1.-wEB${key}rest`;
  const insert = (cells: Partial<TokenEntity>) =>
    source.getRepository(TokenEntity).insert({
      id: 'row',
      lookup: 'x',
      tenantId: 't',
      userId: 'u',
      provider: 'p',
      account: 'a',
      status: 'active',
      generation: 1,
      tokenType: 'Bearer',
      refreshedAt: 0,
      createdAt: 0,
      updatedAt: 0,
      failures: 0,
      ...cells,
    });

  it('let the database read the key out of the sealed bytes, and refuse to retire it while a row needs it', async () => {
    await source.runMigrations();
    await addKeys();
    await insert({ accessCt: null, refreshCt: sealed(KEY) });
    expect((await source.getRepository(TokenEntity).findOneByOrFail({ id: 'row' })).keyId).toBe(KEY);
    await expect(
      source.getRepository(DataKeyEntity).update({ usableId: KEY }, { usableId: null }),
    ).rejects.toThrow();
    await source.getRepository(DataKeyEntity).update({ usableId: OTHER }, { usableId: null });
  });

  it('let the database refuse a row under a retired key, a plain-text row, and a row under two keys', async () => {
    await source.runMigrations();
    await addKeys();
    await source.getRepository(DataKeyEntity).update({ usableId: OTHER }, { usableId: null });
    await expect(insert({ accessCt: sealed(OTHER) })).rejects.toThrow(/foreign key/i);
    await expect(insert({ accessCt: 'eyJhbGciOiJSUzI1NiJ9.plain-text-token.signature' })).rejects.toThrow(
      /foreign key/i,
    );
    await expect(insert({ accessCt: sealed(KEY), refreshCt: sealed(OTHER) })).rejects.toThrow(
      /ck_tokenward_tokens_one_key|check/i,
    );
    await expect(insert({ accessCt: sealed(KEY), refreshCt: 'plain' })).rejects.toThrow(/check|constraint/i);
    await expect(insert({ accessCt: sealed(KEY), dpopCt: sealed(OTHER) })).rejects.toThrow(
      /check|constraint/i,
    );
    await expect(insert({ dpopCt: sealed(KEY) })).rejects.toThrow(/check|constraint/i);
    await insert({ accessCt: sealed(KEY), refreshCt: sealed(KEY), idCt: sealed(KEY), dpopCt: sealed(KEY) });
  });

  it('keep instants to the millisecond', async () => {
    await source.runMigrations();
    await insert({ expiresAt: 1_795_458_866_853 });
    expect((await source.getRepository(TokenEntity).findOneByOrFail({ id: 'row' })).expiresAt).toBe(
      1_795_458_866_853,
    );
  });

  it('bring rows of the version before along, and back', async () => {
    await source.runMigrations();
    await addKeys();
    await insert({ accessCt: sealed(KEY), refreshCt: sealed(KEY) });
    const before = await source.getRepository(TokenEntity).find();
    await source.undoLastMigration();
    await source.runMigrations();
    expect(await source.getRepository(TokenEntity).find()).toEqual(before);
    expect(await drift()).toEqual([]);
  });

  it('leave no sealed column under keys that may be retired which neither re-encryption nor the outbox moves', async () => {
    await source.runMigrations();
    const sealedColumns: string[] = [];
    const pointers: string[] = [];
    const runner = source.createQueryRunner();
    for (const { tableName, tablePath } of source.entityMetadatas) {
      const table = await runner.getTable(tablePath);
      for (const { name } of table!.columns)
        // These are sealed under keys of the application, and those are never retired.
        if (name.endsWith('_ct') && !/_(?:sessions|authorizations)$/.test(tableName))
          sealedColumns.push(`${tableName}.${name}`);
      for (const { columnNames, referencedTableName } of table!.foreignKeys)
        if (referencedTableName.endsWith('tokenward_data_keys'))
          pointers.push(`${tableName}.${columnNames.join()}`);
    }
    await runner.release();
    expect(sealedColumns.toSorted()).toEqual([
      'tokenward_revocations.token_ct',
      'tokenward_tokens.access_ct',
      'tokenward_tokens.dpop_ct',
      'tokenward_tokens.id_ct',
      'tokenward_tokens.refresh_ct',
    ]);
    expect(pointers.toSorted()).toEqual(['tokenward_revocations.key_id', 'tokenward_tokens.key_id']);
  });
});
