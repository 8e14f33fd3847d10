import { LRUCache } from 'lru-cache';
import type { TokenEvents } from '../common/events.js';
import { KEY_BYTES, keyCheckValue, toKeyObject } from '../crypto/key-material.js';
import { randomBytes, randomId } from '../crypto/random.js';
import type { DataKey } from '../crypto/record.js';
import { uuidToBytes } from '../crypto/record-text.js';
import { type DataKeyRow, DataKeyRows } from './data-key-rows.js';
import { KeyHealth } from './key-health.js';
import { KeyRing } from './key-ring.js';
import { KeyWrapper, wrapping } from './key-wrapper.js';

const PURPOSE = 'token';
const CURRENT_TTL_MS = 60_000;

/** Finds the data key that seals for a tenant, and creates a tenant's first one. */
export class KeyManager {
  private readonly current = new LRUCache<string, string>({
    max: 10_000,
    ttl: CURRENT_TTL_MS,
    // forget() must not fail those who wait for an answer already.
    ignoreFetchAbort: true,
    fetchMethod: async (tenantId) => this.findOrCreate(tenantId),
  });

  constructor(
    private readonly rows: DataKeyRows,
    private readonly ring: KeyRing,
    private readonly wrapper: KeyWrapper,
    private readonly health: KeyHealth,
    private readonly events: TokenEvents,
  ) {}

  /** The one active data key of this tenant. @throws KeyError */
  async active(tenantId: string): Promise<DataKey> {
    return this.ring.byId(this.current.get(tenantId) ?? (await this.current.forceFetch(tenantId)));
  }

  /** After the database refused a key: ask it again. */
  forget(tenantId: string): void {
    this.current.delete(tenantId);
  }

  private async findOrCreate(tenantId: string): Promise<string> {
    const row = (await this.rows.findActive(tenantId, PURPOSE)) ?? (await this.create(tenantId));
    return row.id;
  }

  private async create(tenantId: string): Promise<DataKeyRow> {
    // A replica with a wrong keyring must not start a second world of keys beside the one that it cannot open.
    await this.health.assertKeysOpen();
    const id = randomId();
    const bytes = randomBytes(KEY_BYTES);
    const wrapped = await wrapping(() =>
      this.wrapper.wrap(bytes, { dataKeyId: id, tenantId, purpose: PURPOSE }),
    );
    const checkValue = keyCheckValue(toKeyObject(bytes), uuidToBytes(id));
    await this.rows.insertPending({
      id,
      tenantId,
      purpose: PURPOSE,
      kekId: this.wrapper.kekId,
      wrapped,
      checkValue,
    });
    // Only what was read back and opened may ever seal something.
    const stored = await this.rows.findById(id);
    if (!stored) throw new Error(`data key ${id} was committed but cannot be read back`);
    await this.ring.open(stored);
    if (await this.rows.activate(stored)) {
      this.events.emit({ type: 'data_key_created', keyId: id });
      return stored;
    }
    await this.rows.deletePending(id);
    const winner = await this.rows.findActive(tenantId, PURPOSE);
    if (!winner) throw new Error(`tenant has no active data key although activating ${id} was refused`);
    return winner;
  }
}
