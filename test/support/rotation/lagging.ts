import type { DataSource } from 'typeorm';
import { interceptAsync } from './statements.js';

/** Id of the active key by what the library looks it up with. */
export type ActiveKeys = Record<string, string>;

/** What an observer notes before a rotation, for replicas that are to miss it. */
export async function activeKeys(dataSource: DataSource): Promise<ActiveKeys> {
  const rows = await dataSource.query<{ active_for: string; id: string }[]>(
    `SELECT active_for, id FROM tokenward_data_keys WHERE state = 'active'`,
  );
  return Object.fromEntries(rows.map((row) => [row.active_for, row.id]));
}

/**
 * Keeps a replica's key cache stale for as long as can be, also over a restart: it gets no news of other replicas'
 * changes, and what it takes for a tenant's active key is the one of before the rotation, as if it read from a copy of
 * the database that lags behind. Only a refusal by the database ends that.
 */
export function letLag(dataSource: DataSource, before: ActiveKeys): void {
  let refused = false;
  interceptAsync(dataSource, async (text, values, run) => {
    if (refused) return run(text, values);
    if (/WHERE state_changed_at >=/.test(text)) return { raw: [], records: [], affected: 0 };
    const old = /WHERE active_for = /.test(text) && before[values[0] as string];
    if (old) return run(text.replace('active_for =', 'id ='), [old]);
    try {
      return await run(text, values);
    } catch (error) {
      refused = isRefusal(error);
      throw error;
    }
  });
}

/** The foreign key from a token's row to a usable data key. */
function isRefusal(error: unknown): boolean {
  type Refusal = { code?: string; errno?: number };
  const { code, errno } = (error as { driverError?: Refusal }).driverError ?? (error as Refusal);
  return code === '23503' || errno === 1452;
}
