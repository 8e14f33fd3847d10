import { SystemClock } from './common/clock.js';
import { TokenEvents } from './common/events.js';
import { Database } from './database/database.js';
import { SqlDataKeyRows } from './database/sql-data-key-rows.js';
import { SqlKekRows } from './database/sql-kek-rows.js';
import { SqlKeyReports } from './database/sql-key-reports.js';
import { SqlKeyTransitions } from './database/sql-key-transitions.js';
import { SqlLineage } from './database/sql-lineage.js';
import { SqlSealedRows } from './database/sql-sealed-rows.js';
import { EncryptionService } from './encryption/encryption.service.js';
import { ROTATION_DEFAULTS, type RotationOptions } from './jobs/job.options.js';
import { KeyReport } from './key-report.js';
import { KeyService } from './key.service.js';
import { KekRollout } from './keys/kek-rollout.js';
import { KekRotation } from './keys/kek-rotation.js';
import { KeyHealth } from './keys/key-health.js';
import { KeyMaker } from './keys/key-maker.js';
import { KeyManager } from './keys/key-manager.js';
import { KeyRing } from './keys/key-ring.js';
import type { KeyWrapper } from './keys/key-wrapper.js';
import { LEASE_MS } from './refresh/policy.js';
import { Reencryption, type ReencryptionOptions } from './store/reencryption.js';
import { TokenStore } from './store/token-store.js';

export type KeyTools = ReturnType<typeof createKeyTools>;

/** What works on keys and sealed rows, put together for processes that are no Nest application. It is not a replica. */
export function createKeyTools(
  dataSource: ConstructorParameters<typeof Database>[0],
  wrapper: KeyWrapper,
  options: Omit<RotationOptions, 'cron'> = {},
) {
  const settings = { ...ROTATION_DEFAULTS, ...options, leaseMs: LEASE_MS };
  const clock = new SystemClock();
  const events = new TokenEvents();
  const database = new Database(dataSource, false);
  const rows = new SqlDataKeyRows(database);
  const ring = new KeyRing(rows, wrapper, clock);
  const health = new KeyHealth(rows, ring, events, clock);
  const kekRows = new SqlKekRows(database);
  const rollout = new KekRollout(kekRows, ring, wrapper, clock);
  const manager = new KeyManager(rows, ring, new KeyMaker(rows, ring, wrapper, health, rollout), events);
  const store = new TokenStore(new EncryptionService(manager, ring, events, 'token'), events);
  const transitions = new SqlKeyTransitions(database);
  const kekRotation = new KekRotation(transitions, wrapper, rollout, ring);
  const sealedRows = new SqlSealedRows(database);
  const reencryption = new Reencryption(sealedRows, store, clock, events, settings);
  const report = new KeyReport({
    reports: new SqlKeyReports(database),
    kekRows,
    rollout,
    kekRotation,
    wrapper,
  });
  return {
    database,
    events,
    health,
    lineage: new SqlLineage(database),
    store,
    sealedRows,
    keys: new KeyService(
      { keys: rows, transitions, manager, kekRotation, sealedRows },
      report,
      events,
      settings,
    ),
    maintenance: { reencrypt: (how?: ReencryptionOptions) => reencryption.run(how) },
    report,
    close: () => wrapper.close(),
  };
}
