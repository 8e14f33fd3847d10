import type {
  DataKeyStatus,
  KekStatus,
  KeyAuditEntry,
  KeyPlan,
  KeyStatus,
  ReencryptionStatus,
} from './key.service.types.js';
import { KekRollout, LIVE_MS } from './keys/kek-rollout.js';
import { KekRotation } from './keys/kek-rotation.js';
import { KekRows } from './keys/kek-rows.js';
import { KeyReports, type KeyUse, type MoveProgress } from './keys/key-reports.js';
import { KeyWrapper } from './keys/key-wrapper.js';

const MOST_KEYS = 1000;

interface Parts {
  reports: KeyReports;
  kekRows: KekRows;
  rollout: KekRollout;
  kekRotation: KekRotation;
  wrapper: KeyWrapper;
}

/** What `KeyService` tells about the keys. Changes no data key and no token. */
export class KeyReport {
  constructor(private readonly parts: Parts) {}

  async status(): Promise<KeyStatus> {
    const { reports, kekRows } = this.parts;
    const [now, states, keys, replicas] = await Promise.all([
      reports.now(),
      reports.countByState(),
      reports.findUse({ limit: MOST_KEYS }),
      kekRows.findLive(LIVE_MS),
    ]);
    return {
      now: new Date(now),
      states,
      dataKeys: keys.map(toStatus),
      keks: await this.keks(),
      reencryption: await this.reencryption(now),
      replicas: replicas.map(({ id, startedAt, seenAt, kekIds }) => ({
        id,
        startedAt: new Date(startedAt),
        seenAt: new Date(seenAt),
        kekIds,
      })),
    };
  }

  async reencryption(now: number): Promise<ReencryptionStatus> {
    const { reports } = this.parts;
    const emptying = await reports.findUse({ states: ['decrypt_only'], limit: MOST_KEYS });
    return reencryptionOf(emptying, await reports.progress(), now);
  }

  async plan(tenantId: string | undefined): Promise<KeyPlan> {
    const { reports, wrapper, kekRotation } = this.parts;
    const of = tenantId === undefined ? {} : { tenantId };
    const keys = await reports.findUse({ ...of, limit: MOST_KEYS });
    const now = await reports.now();
    const rotate = keys.filter(({ state }) => state === 'active');
    const byKek = await reports.countByKek();
    const others = byKek.filter(({ kekId }) => kekId !== wrapper.kekId);
    return {
      rotate: rotate.map(toStatus),
      rows: rotate.reduce((sum, { rows }) => sum + rows, 0),
      retire: keys
        .filter(({ state, rows, purpose }) => state === 'decrypt_only' && rows === 0 && purpose === 'token')
        .map(toStatus),
      destroy: keys
        .filter(
          ({ state, destroyAfter }) => state === 'retired' && destroyAfter !== null && destroyAfter <= now,
        )
        .map(toStatus),
      rewrap: {
        dataKeys: others.reduce((sum, { dataKeys }) => sum + dataKeys, 0),
        kekId: wrapper.kekId,
        refusedBecause: await kekRotation.obstacle(),
      },
    };
  }

  /** Replaced keys of stored tokens that have no rows any more, by how long ago they were replaced. */
  async emptied(minAgeMs: number): Promise<string[]> {
    const { reports } = this.parts;
    const now = await reports.now();
    return (await reports.findUse({ states: ['decrypt_only'], limit: MOST_KEYS }))
      .filter((key) => key.purpose === 'token' && key.rows === 0 && now - key.stateChangedAt >= minAgeMs)
      .map(({ id }) => id);
  }

  /** What is under one key. */
  async use(keyId: string): Promise<{ rows: number; quarantinedRows: number }> {
    const [use] = await this.parts.reports.findUse({ id: keyId, limit: 1 });
    return use ?? { rows: 0, quarantinedRows: 0 };
  }

  async audit(limit: number): Promise<KeyAuditEntry[]> {
    return (await this.parts.reports.findAudit(limit)).map((row) => ({ ...row, at: new Date(row.at) }));
  }

  private async keks(): Promise<KekStatus[]> {
    const { reports, rollout, wrapper } = this.parts;
    const { held } = await rollout.verify();
    const inUse = new Map((await reports.countByKek()).map(({ kekId, dataKeys }) => [kekId, dataKeys]));
    const ids = [...new Set([...wrapper.kekIds, ...inUse.keys()])];
    return Promise.all(
      ids.map(async (id) => ({
        id,
        dataKeys: inUse.get(id) ?? 0,
        usable: held.includes(id),
        missingOn: await rollout.missingOn(id),
      })),
    );
  }
}

function toStatus(key: KeyUse): DataKeyStatus {
  return {
    id: key.id,
    tenantId: key.tenantId,
    purpose: key.purpose,
    state: key.state,
    kekId: key.kekId,
    createdAt: new Date(key.createdAt),
    stateChangedAt: new Date(key.stateChangedAt),
    destroyAfter: key.destroyAfter === null ? null : new Date(key.destroyAfter),
    rows: key.rows,
    quarantinedRows: key.quarantinedRows,
  };
}

/** The rate is that of the run that is going on, by all replicas together. */
export function reencryptionOf(
  emptying: readonly Pick<KeyUse, 'rows' | 'quarantinedRows'>[],
  { movedRows, movingSince }: MoveProgress,
  now: number,
): ReencryptionStatus {
  const sum = (of: (key: Pick<KeyUse, 'rows' | 'quarantinedRows'>) => number): number =>
    emptying.reduce((total, key) => total + of(key), 0);
  const quarantinedRows = sum((key) => key.quarantinedRows);
  const rowsLeft = sum((key) => key.rows) - quarantinedRows;
  const seconds = movingSince === null ? 0 : (now - movingSince) / 1000;
  const rowsPerSecond = rowsLeft > 0 && seconds > 0 && movedRows > 0 ? movedRows / seconds : null;
  return {
    rowsLeft,
    quarantinedRows,
    rowsPerSecond,
    estimatedEnd: rowsPerSecond === null ? null : new Date(now + (rowsLeft / rowsPerSecond) * 1000),
  };
}
