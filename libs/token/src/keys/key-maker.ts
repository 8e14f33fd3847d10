import { keyCheckValue, toKeyObject } from '../crypto/key-material.js';
import { randomId } from '../crypto/random.js';
import { uuidToBytes } from '../crypto/record-text.js';
import { type DataKeyRow, DataKeyRows } from './data-key-rows.js';
import { KekRollout } from './kek-rollout.js';
import { KeyHealth } from './key-health.js';
import { KeyRing } from './key-ring.js';
import { KeyWrapper, wrapping } from './key-wrapper.js';

/** Makes data keys. Only one that was committed, read back and opened may ever seal something. */
export class KeyMaker {
  constructor(
    private readonly rows: DataKeyRows,
    private readonly ring: KeyRing,
    private readonly wrapper: KeyWrapper,
    private readonly health: KeyHealth,
    private readonly rollout: KekRollout,
  ) {}

  /** A new key in state `pending`, proven to open. @throws KeyError */
  async make(tenantId: string, purpose: string): Promise<DataKeyRow> {
    // A replica with a wrong keyring must not start a second world of keys beside the one that it cannot open.
    await this.health.assertReady();
    const kekId = await this.rollout.wrappingId();
    const id = randomId();
    const { dataKey, blob } = await wrapping(() =>
      this.wrapper.generate({ dataKeyId: id, tenantId, purpose }, kekId),
    );
    const checkValue = keyCheckValue(toKeyObject(dataKey), uuidToBytes(id));
    await this.rows.insertPending({ id, tenantId, purpose, kekId, wrapped: blob, checkValue });
    const stored = await this.rows.findById(id);
    if (!stored) throw new Error(`data key ${id} was committed but cannot be read back`);
    await this.ring.open(stored);
    return stored;
  }
}
