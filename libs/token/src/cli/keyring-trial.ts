import { SystemClock } from '../common/clock.js';
import { TokenEvents } from '../common/events.js';
import { Database } from '../database/database.js';
import { SqlDataKeyRows } from '../database/sql-data-key-rows.js';
import { SqlKeyReports } from '../database/sql-key-reports.js';
import { KeyHealth } from '../keys/key-health.js';
import { KeyRing } from '../keys/key-ring.js';
import type { KeyError, KeyWrapper } from '../keys/key-wrapper.js';
import type { DataSource } from './config.js';

/** What a wrapper can do with the data keys that one key-encryption key has wrapped. */
export interface KekTrial {
  id: string;
  dataKeys: number;
  /** `opens` by trying; `untried` when only retired keys are left under it, and the wrapper names it as its own. */
  result: 'opens' | 'untried' | 'missing' | 'fails';
  fault: string | null;
}

/** Tries a wrapper as `KeyHealth` does. Unlike a replica, it leaves no trace in the database. */
export async function tryWrapper(dataSource: DataSource, wrapper: KeyWrapper): Promise<KekTrial[]> {
  const database = new Database(dataSource, false);
  await database.assertTables();
  const rows = new SqlDataKeyRows(database);
  const clock = new SystemClock();
  const health = new KeyHealth(rows, new KeyRing(rows, wrapper, clock), new TokenEvents(), clock);
  const faults = await health.faults();
  const keks = await new SqlKeyReports(database).countByKek();
  return keks.map(({ kekId: id, dataKeys }) => {
    const fault = faults.get(id);
    return {
      id,
      dataKeys,
      result: resultOf(fault, wrapper.kekIds.includes(id)),
      fault: fault?.message ?? null,
    };
  });
}

/** `fault`: null where a data key has opened, undefined where there was none to try. */
function resultOf(fault: KeyError | null | undefined, held: boolean): KekTrial['result'] {
  if (fault === null) return 'opens';
  if (!held) return 'missing';
  return fault ? 'fails' : 'untried';
}
