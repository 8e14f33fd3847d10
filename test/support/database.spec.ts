import { existsSync } from 'node:fs';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { expect, it } from 'vitest';
import { describeOnEachDatabase } from './database.js';

describeOnEachDatabase('a test database', ({ kind, createDatabase }) => {
  it('answers a query', async () => {
    const { options, drop } = await createDatabase();
    const source = await new DataSource(options).initialize();
    expect(await source.query('SELECT 1 AS answer')).toEqual([{ answer: 1 }]);
    await source.destroy();
    await drop();
  });

  it('is empty, whatever another test left in its own', async () => {
    const [first, second] = [await createDatabase(), await createDatabase()];
    const source = await new DataSource(first.options).initialize();
    await source.query('CREATE TABLE leftover (id integer)');
    await source.destroy();
    const other = await new DataSource(second.options).initialize();
    await expect(other.query('SELECT * FROM leftover')).rejects.toThrow(/leftover/);
    await other.destroy();
    await Promise.all([first.drop(), second.drop()]);
  });

  it('is gone after drop', async () => {
    const { options, drop } = await createDatabase();
    await drop();
    const exists = kind === 'sqlite' ? existsSync(options.database as string) : await canConnect(options);
    expect(exists).toBe(false);
  });
});

const canConnect = (options: DataSourceOptions): Promise<boolean> =>
  new DataSource(options).initialize().then(
    () => true,
    () => false,
  );
