import { LRUCache } from 'lru-cache';
import type { TokenEvents } from '../common/events.js';
import type { DataKey } from '../crypto/record.js';
import { type DataKeyRow, DataKeyRows } from './data-key-rows.js';
import { KeyMaker } from './key-maker.js';
import { KeyRing } from './key-ring.js';
import type { Purpose } from './key-states.js';
import { KeyError } from './key-wrapper.js';

const CURRENT_TTL_MS = 60_000;
/** Who makes a tenant's first key: nobody has asked for it. */
const ITSELF = 'tokenward';

/** Finds the data key that seals for a tenant, creates a tenant's first one, and puts a new one in its place. */
export class KeyManager {
  private readonly current = new LRUCache<string, string>({
    max: 10_000,
    ttl: CURRENT_TTL_MS,
    // forget() must not fail those who wait for an answer already.
    ignoreFetchAbort: true,
    fetchMethod: async (key) => {
      const [purpose, tenantId] = key.split(/:(.*)/s) as [Purpose, string];
      return (await this.findOrCreate(tenantId, purpose)).id;
    },
  });

  constructor(
    private readonly rows: DataKeyRows,
    private readonly ring: KeyRing,
    private readonly maker: KeyMaker,
    private readonly events: TokenEvents,
  ) {}

  /** The one active data key of this tenant. @throws KeyError, `KEY_DESTROYED` for a tenant that was shredded */
  async active(tenantId: string, purpose: Purpose): Promise<DataKey> {
    const key = `${purpose}:${tenantId}`;
    return this.ring.byId(this.current.get(key) ?? (await this.current.forceFetch(key)));
  }

  /** After the database refused a key, or news of a rotation: ask it again. */
  forget(tenantId: string, purpose: Purpose): void {
    this.current.delete(`${purpose}:${tenantId}`);
  }

  /** Puts a new active key in the place of `old`, which opens from then on; null if another replica was faster. @throws KeyError */
  async replace(old: DataKeyRow, actor: string): Promise<DataKeyRow | null> {
    const next = await this.maker.make(old.tenantId, old.purpose);
    const done = await this.rows.supersede(old, next, actor);
    if (!done) await this.rows.deletePending(next.id);
    this.forget(old.tenantId, old.purpose as Purpose);
    if (done) this.events.emit({ type: 'data_key_changed', keyId: old.id, to: 'decrypt_only' });
    return done ? next : null;
  }

  private async findOrCreate(tenantId: string, purpose: Purpose): Promise<DataKeyRow> {
    const row = (await this.rows.findActive(tenantId, purpose)) ?? (await this.create(tenantId, purpose));
    if (row.state === 'destroyed')
      throw new KeyError('KEY_DESTROYED', `the keys of this tenant were destroyed, and it gets no new ones`);
    return row;
  }

  private async create(tenantId: string, purpose: Purpose): Promise<DataKeyRow> {
    const key = await this.maker.make(tenantId, purpose);
    if (await this.rows.activate(key, ITSELF)) {
      this.events.emit({ type: 'data_key_changed', keyId: key.id, to: 'active' });
      return key;
    }
    await this.rows.deletePending(key.id);
    const winner = await this.rows.findActive(tenantId, purpose);
    if (!winner) throw new Error(`tenant has no active data key although activating ${key.id} was refused`);
    return winner;
  }
}
