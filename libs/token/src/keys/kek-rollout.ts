import type { Clock } from '../common/clock.js';
import { keyCheckValue, toKeyObject } from '../crypto/key-material.js';
import { randomId } from '../crypto/random.js';
import { uuidToBytes } from '../crypto/record-text.js';
import { KekRows, type KekRow, type ReplicaRow } from './kek-rows.js';
import { KeyRing } from './key-ring.js';
import { KeyError, KeyWrapper, wrapping } from './key-wrapper.js';

/** A replica that was not seen for so long counts as gone. */
export const LIVE_MS = 30_000;
/** A key-encryption key that has opened its canary is believed for so long. */
const VERIFIED_MS = 10 * 60_000;
const CANARY = { tenantId: 'none', purpose: 'canary' };

/**
 * Brings a new key-encryption key into use only when every live replica has shown that it holds the same key: each one
 * opens the canary that the first one has wrapped.
 */
export class KekRollout {
  readonly replicaId = randomId();
  readonly #verified = new Map<string, number>();

  constructor(
    private readonly rows: KekRows,
    private readonly ring: KeyRing,
    private readonly wrapper: KeyWrapper,
    private readonly clock: Clock,
  ) {}

  /** Proves what this replica holds and tells the others. Returns what is wrong with a key that it cannot prove, or null. */
  async announce(): Promise<string | null> {
    const { held, fault } = await this.verify();
    await this.rows.beat(this.replicaId, held);
    return fault;
  }

  leave(): Promise<void> {
    return this.rows.leave(this.replicaId);
  }

  /** What wraps now: the most preferred key-encryption key that every live replica holds. @throws KeyError */
  async wrappingId(): Promise<string> {
    const { held, fault } = await this.verify();
    const others = await this.others();
    const usable = held.find((id) => others.every(({ kekIds }) => kekIds.includes(id)));
    if (usable !== undefined) return usable;
    throw new KeyError(
      'KEK_UNAVAILABLE',
      fault ?? 'no key-encryption key is held by every live replica: give them the same keyring',
    );
  }

  /** Live replicas, without this one, that have not shown that they hold the key. */
  async missingOn(kekId: string): Promise<string[]> {
    return (await this.others()).filter(({ kekIds }) => !kekIds.includes(kekId)).map(({ id }) => id);
  }

  /** The key-encryption keys that this replica has proven to hold, the preferred one first. */
  async verify(): Promise<{ held: string[]; fault: string | null }> {
    const held: string[] = [];
    let fault: string | null = null;
    for (const kekId of this.wrapper.kekIds) {
      try {
        await this.prove(kekId);
        held.push(kekId);
      } catch (error) {
        if (!(error instanceof KeyError)) throw error;
        fault ??= error.message;
      }
    }
    return { held, fault };
  }

  private async others(): Promise<ReplicaRow[]> {
    return (await this.rows.findLive(LIVE_MS)).filter(({ id }) => id !== this.replicaId);
  }

  private async prove(kekId: string): Promise<void> {
    const provenAt = this.#verified.get(kekId);
    if (provenAt !== undefined && this.clock.monotonic() - provenAt < VERIFIED_MS) return;
    this.#verified.delete(kekId);
    const canary = await this.rows.find(kekId);
    if (canary === null) await this.plant(kekId);
    else if (!(await this.opens(canary)) && !(await this.replace(canary))) {
      throw new KeyError(
        'KEK_UNWRAP_FAILED',
        `the key with id "${kekId}" is not the one that other replicas have under this id`,
      );
    }
    this.#verified.set(kekId, this.clock.monotonic());
  }

  /** @throws KeyError when the key service does not answer now */
  private async opens(canary: KekRow): Promise<boolean> {
    try {
      await this.ring.unwrap({ ...CANARY, ...canary, id: canary.canaryId });
      return true;
    } catch (error) {
      if (!(error instanceof KeyError) || error.transient) throw error;
      return false;
    }
  }

  private async plant(kekId: string): Promise<void> {
    await this.rows.insert(await this.make(kekId));
    // Another replica may have been first: its canary counts.
    const canary = await this.rows.find(kekId);
    if (canary === null || !(await this.opens(canary)))
      throw new KeyError('KEK_UNWRAP_FAILED', `another replica has another key under the id "${kekId}"`);
  }

  /** A key that has wrapped nothing, and that no live replica holds, may have been thrown away. */
  private async replace(before: KekRow): Promise<boolean> {
    if ((await this.others()).some(({ kekIds }) => kekIds.includes(before.id))) return false;
    return this.rows.replaceUnused(await this.make(before.id), before);
  }

  private async make(kekId: string): Promise<KekRow> {
    const canaryId = randomId();
    const { dataKey, blob } = await wrapping(() =>
      this.wrapper.generate({ ...CANARY, dataKeyId: canaryId }, kekId),
    );
    return {
      id: kekId,
      canaryId,
      wrapped: blob,
      checkValue: keyCheckValue(toKeyObject(dataKey), uuidToBytes(canaryId)),
    };
  }

  /** The keyring has changed: what was proven has to be proven again. */
  forget(): void {
    this.#verified.clear();
  }
}
