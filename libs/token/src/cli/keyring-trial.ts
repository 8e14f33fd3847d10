import { SystemClock } from '../common/clock.js';
import { Database } from '../database/database.js';
import { SqlDataKeyRows } from '../database/sql-data-key-rows.js';
import { SqlKeyReports } from '../database/sql-key-reports.js';
import { KeyRing } from '../keys/key-ring.js';
import { KeyError, type KeyWrapper } from '../keys/key-wrapper.js';
import type { DataSource } from './config.js';

/** What a wrapper can do with the data keys that one key-encryption key has wrapped. */
export interface KekTrial {
  id: string;
  dataKeys: number;
  /** `opens` by trying; `untried` when only retired keys are left under it, and the wrapper names it as its own. */
  result: 'opens' | 'untried' | 'missing' | 'fails';
  fault: string | null;
}

/** Tries a wrapper on one data key per key-encryption key in use. Unlike a replica, it leaves no trace in the database. */
export async function tryWrapper(dataSource: DataSource, wrapper: KeyWrapper): Promise<KekTrial[]> {
  const database = new Database(dataSource, false);
  await database.assertTables();
  const rows = new SqlDataKeyRows(database);
  const ring = new KeyRing(rows, wrapper, new SystemClock());
  const canaries = new Map((await rows.findCanaries()).map((row) => [row.kekId, row]));
  const trials: KekTrial[] = [];
  for (const { kekId: id, dataKeys } of await new SqlKeyReports(database).countByKek()) {
    const canary = canaries.get(id);
    const held = wrapper.kekIds.includes(id);
    const fault = canary ? await faultOf(() => ring.open(canary)) : null;
    const untested = held ? 'untried' : 'missing';
    const failed = held ? 'fails' : 'missing';
    trials.push({ id, dataKeys, result: canary ? (fault ? failed : 'opens') : untested, fault });
  }
  return trials;
}

async function faultOf(work: () => Promise<unknown>): Promise<string | null> {
  try {
    await work();
    return null;
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    return error.message;
  }
}
