import { describe, expect, it } from 'vitest';
import { Database } from './database.js';
import { sql } from './sql.js';

/** A DataSource whose pool stands behind a connection pooler that does not carry prepared statements. */
function pooled() {
  const seen: (string | undefined)[] = [];
  const query = async ({ name }: { name?: string }) => {
    seen.push(name);
    if (name !== undefined) throw Object.assign(new Error('no such prepared statement'), { code: '26000' });
    return { rows: [{ one: 1 }] };
  };
  const dataSource = {
    hasMetadata: () => true,
    getMetadata: () => ({ tablePath: 't' }),
    driver: { escape: (part: string) => part, master: { query } },
    options: { type: 'postgres' },
  };
  return { database: new Database(dataSource as never, false), seen };
}

describe('behind a connection pooler without prepared statements', () => {
  it('reads that were under way at the same time all succeed, and later ones do without', async () => {
    const { database, seen } = pooled();
    const read = () => database.hotRows(sql`SELECT 1`);
    expect(await Promise.all([read(), read(), read()])).toEqual([[{ one: 1 }], [{ one: 1 }], [{ one: 1 }]]);
    await read();
    const [name] = seen;
    expect(name).toMatch(/^tokenward-/);
    expect(seen).toEqual([name, name, name, undefined, undefined, undefined, undefined]);
  });
});
