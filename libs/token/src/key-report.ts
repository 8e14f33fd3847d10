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
import { type KeyFilter, KeyReports, type KeyUse, type MoveProgress } from './keys/key-reports.js';
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
      replicas: replicas.map(({ id, startedAt, seenAt, proofs }) => ({
        id,
        startedAt: new Date(startedAt),
        seenAt: new Date(seenAt),
        kekIds: proofs.map(({ kekId }) => kekId),
      })),
    };
  }

  async reencryption(now: number): Promise<ReencryptionStatus> {
    const { reports } = this.parts;
    return reencryptionOf(await reports.countRows('decrypt_only'), await reports.progress(), now);
  }

  async plan(tenantId: string | undefined): Promise<KeyPlan> {
    const { reports, wrapper, kekRotation } = this.parts;
    const tenant: KeyFilter = tenantId === undefined ? {} : { tenantId };
    const rotate: KeyFilter = { ...tenant, states: ['active'] };
    const retire: KeyFilter = { ...tenant, states: ['decrypt_only'], purpose: 'token', empty: true };
    const destroy: KeyFilter = { ...tenant, states: ['retired'], destroyable: true };
    const others = (await reports.countByKek()).filter(({ kekId }) => kekId !== wrapper.kekId);
    return {
      counts: {
        rotate: await reports.countKeys(rotate),
        retire: await reports.countKeys(retire),
        destroy: await reports.countKeys(destroy),
      },
      rotate: await this.find(rotate),
      rows: (await reports.countRows('active', tenantId)).rows,
      retire: await this.find(retire),
      destroy: await this.find(destroy),
      rewrap: {
        dataKeys: others.reduce((sum, { dataKeys }) => sum + dataKeys, 0),
        kekId: wrapper.kekId,
        refusedBecause: await kekRotation.obstacle(),
      },
    };
  }

  /**
   * What shredding a tenant would destroy: how many keys, of which 1,000 at most are named. `known`: it has, or once had,
   * a key.
   */
  async tenant(tenantId: string): Promise<{ keys: DataKeyStatus[]; count: number; known: boolean }> {
    const { reports } = this.parts;
    const left: KeyFilter = { tenantId, states: ['pending', 'active', 'decrypt_only', 'retired'] };
    return {
      keys: await this.find(left),
      count: await reports.countKeys(left),
      known: (await reports.countKeys({ tenantId })) > 0,
    };
  }

  /** Replaced keys of stored tokens that have no rows any more, by how long ago they were replaced. */
  async emptied(minAgeMs: number): Promise<string[]> {
    const { reports } = this.parts;
    const now = await reports.now();
    const empty = await reports.findUse({
      states: ['decrypt_only'],
      purpose: 'token',
      empty: true,
      // Who restores a key is about to bring rows back; it is retired by hand.
      restored: false,
      limit: MOST_KEYS,
    });
    return empty.filter(({ stateChangedAt }) => now - stateChangedAt >= minAgeMs).map(({ id }) => id);
  }

  /** What is under one key. */
  async use(keyId: string): Promise<Pick<KeyUse, 'rows' | 'quarantinedRows' | 'pendingRevocations'>> {
    const [use] = await this.parts.reports.findUse({ id: keyId, limit: 1 });
    return use ?? { rows: 0, quarantinedRows: 0, pendingRevocations: 0 };
  }

  async audit(limit: number): Promise<KeyAuditEntry[]> {
    return (await this.parts.reports.findAudit(limit)).map((row) => ({ ...row, at: new Date(row.at) }));
  }

  private async find(filter: KeyFilter): Promise<DataKeyStatus[]> {
    return (await this.parts.reports.findUse({ ...filter, limit: MOST_KEYS })).map(toStatus);
  }

  private async keks(): Promise<KekStatus[]> {
    const { reports, rollout, wrapper } = this.parts;
    const { proofs } = await rollout.verify({ plants: false });
    const inUse = new Map((await reports.countByKek()).map(({ kekId, dataKeys }) => [kekId, dataKeys]));
    const ids = [...new Set([...wrapper.kekIds, ...inUse.keys()])];
    return Promise.all(
      ids.map(async (id) => ({
        id,
        dataKeys: inUse.get(id) ?? 0,
        usable: proofs.some(({ kekId }) => kekId === id),
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
    pendingRevocations: key.pendingRevocations,
  };
}

/** The rate is that of the run that is going on, by all replicas together. */
function reencryptionOf(
  under: { rows: number; quarantinedRows: number },
  { movedRows, movingSince }: MoveProgress,
  now: number,
): ReencryptionStatus {
  const { quarantinedRows } = under;
  const rowsLeft = under.rows - quarantinedRows;
  const seconds = movingSince === null ? 0 : (now - movingSince) / 1000;
  const rowsPerSecond = rowsLeft > 0 && seconds > 0 && movedRows > 0 ? movedRows / seconds : null;
  return {
    rowsLeft,
    quarantinedRows,
    rowsPerSecond,
    estimatedEnd: rowsPerSecond === null ? null : new Date(now + (rowsLeft / rowsPerSecond) * 1000),
  };
}
