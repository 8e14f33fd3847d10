import { LRUCache } from 'lru-cache';
import { equalInConstantTime, KEY_BYTES, keyCheckValue, toKeyObject } from '../crypto/key-material.js';
import type { DataKey } from '../crypto/record.js';
import { uuidToBytes } from '../crypto/record-text.js';
import { type DataKeyRow, DataKeyRows } from './data-key-rows.js';
import { KeyError, KeyWrapper, wrapping } from './key-wrapper.js';

const TTL_MS = 15 * 60_000;
const MAX_KEYS = 10_000;

/** Reads data keys: unwraps on demand, checks the check value on every unwrap, keeps `KeyObject`s for 15 minutes. */
export class KeyRing {
  // fetch() runs one load per key id however many callers ask at once.
  private readonly keys = new LRUCache<string, DataKey>({
    max: MAX_KEYS,
    ttl: TTL_MS,
    fetchMethod: async (id) => this.load(id),
  });

  constructor(
    private readonly rows: DataKeyRows,
    private readonly wrapper: KeyWrapper,
  ) {}

  /** The data key with this id, cached. @throws KeyError */
  async byId(id: string): Promise<DataKey> {
    return this.keys.get(id) ?? (await this.keys.forceFetch(id));
  }

  private async load(id: string): Promise<DataKey> {
    const row = await this.rows.findById(id);
    if (!row) throw new KeyError('KEY_NOT_FOUND', `data key ${id} is not in the database`);
    return this.open(row);
  }

  /** Unwraps without the cache. @throws KeyError */
  async open(row: DataKeyRow): Promise<DataKey> {
    if (row.state === 'retired') throw new KeyError('KEY_RETIRED', `data key ${row.id} is retired`);
    if (!row.wrapped) throw new KeyError('KEY_DESTROYED', `data key ${row.id} is destroyed`);
    const { wrapped, tenantId, purpose } = row;
    const bytes = await wrapping(() =>
      this.wrapper.unwrap(wrapped, { dataKeyId: row.id, tenantId, purpose }),
    );
    if (bytes.length !== KEY_BYTES)
      throw new KeyError('KEK_UNWRAP_FAILED', `the wrapper returned a data key of ${bytes.length} bytes`);
    const key = toKeyObject(bytes);
    const id = uuidToBytes(row.id);
    if (!equalInConstantTime(keyCheckValue(key, id), row.checkValue)) {
      throw new KeyError('KEY_CHECK_FAILED', `data key ${row.id} does not fit its check value`);
    }
    return { id, key };
  }
}
