import { LRUCache } from 'lru-cache';
import type { Clock } from '../common/clock.js';
import { equalInConstantTime, KEY_BYTES, keyCheckValue, toKeyObject } from '../crypto/key-material.js';
import type { DataKey } from '../crypto/record.js';
import { uuidToBytes } from '../crypto/record-text.js';
import { type DataKeyRow, DataKeyRows } from './data-key-rows.js';
import { KeyError, KeyWrapper, wrapping } from './key-wrapper.js';

const TTL_MS = 15 * 60_000;
/** While the key service is away, a key that was unwrapped serves for so long. */
const HARD_TTL_MS = 4 * 60 * 60_000;
/** How soon the key service is asked again for a key that serves beyond its time. */
const RETRY_MS = 10_000;
const MAX_KEYS = 10_000;

type KeyToCheck = Pick<DataKeyRow, 'id' | 'tenantId' | 'purpose' | 'wrapped' | 'checkValue'>;
type Entry = DataKey & { readonly openedAt: number };

/** Reads data keys: unwraps on demand, checks the check value on every unwrap, keeps `KeyObject`s for 15 minutes. */
export class KeyRing {
  // forceFetch() runs one load per key id however many callers ask at once.
  private readonly keys: LRUCache<string, Entry>;

  constructor(
    private readonly rows: DataKeyRows,
    private readonly wrapper: KeyWrapper,
    private readonly clock: Clock,
  ) {
    this.keys = new LRUCache<string, Entry>({
      max: MAX_KEYS,
      ttl: TTL_MS,
      perf: { now: () => clock.monotonic() },
      ttlResolution: 0,
      noDeleteOnStaleGet: true,
      // forget() must not fail those who wait for an answer already.
      ignoreFetchAbort: true,
      fetchMethod: async (id, stale, { options }) => {
        try {
          return await this.load(id);
        } catch (error) {
          if (!stale || !this.serves(stale, error)) throw error;
          options.ttl = RETRY_MS;
          return stale;
        }
      },
    });
  }

  /** The data key with this id, cached. @throws KeyError */
  async byId(id: string): Promise<DataKey> {
    return this.keys.get(id) ?? (await this.keys.forceFetch(id));
  }

  /** The same for a key that may be retired; such a one is not cached. @throws KeyError */
  async evenRetired(id: string): Promise<DataKey> {
    try {
      return await this.byId(id);
    } catch (error) {
      const row =
        error instanceof KeyError && error.reason === 'KEY_RETIRED' ? await this.rows.findById(id) : null;
      if (!row) throw error;
      return this.unwrap(row);
    }
  }

  /** The next use asks the database: the key's state has changed. */
  forget(id: string): void {
    this.keys.delete(id);
  }

  private serves(stale: Entry, error: unknown): boolean {
    return (
      error instanceof KeyError && error.transient && this.clock.monotonic() - stale.openedAt < HARD_TTL_MS
    );
  }

  private async load(id: string): Promise<Entry> {
    const row = await this.rows.findById(id);
    if (!row) throw new KeyError('KEY_NOT_FOUND', `data key ${id} is not in the database`);
    return { ...(await this.open(row)), openedAt: this.clock.monotonic() };
  }

  /** Unwraps without the cache. @throws KeyError */
  async open(row: DataKeyRow): Promise<DataKey> {
    if (row.state === 'retired') throw new KeyError('KEY_RETIRED', `data key ${row.id} is retired`);
    return this.unwrap(row);
  }

  /** The same for what has no state. @throws KeyError */
  async unwrap({ id: keyId, tenantId, purpose, wrapped, checkValue }: KeyToCheck): Promise<DataKey> {
    if (!wrapped) throw new KeyError('KEY_DESTROYED', `data key ${keyId} is destroyed`);
    const bytes = await wrapping(() => this.wrapper.unwrap(wrapped, { dataKeyId: keyId, tenantId, purpose }));
    if (bytes.length !== KEY_BYTES)
      throw new KeyError('KEK_UNWRAP_FAILED', `the wrapper returned a data key of ${bytes.length} bytes`);
    const key = toKeyObject(bytes);
    const id = uuidToBytes(keyId);
    if (!equalInConstantTime(keyCheckValue(key, id), checkValue))
      throw new KeyError('KEY_CHECK_FAILED', `data key ${keyId} does not fit its check value`);
    return { id, key };
  }
}
