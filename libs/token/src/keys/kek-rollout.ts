import type { Clock } from '../common/clock.js';
import { keyCheckValue, toKeyObject } from '../crypto/key-material.js';
import { randomId } from '../crypto/random.js';
import { uuidToBytes } from '../crypto/record-text.js';
import { type KekProof, KekRows, type KekRow, type ReplicaRow } from './kek-rows.js';
import { KeyRing } from './key-ring.js';
import { KeyError, KeyWrapper, wrapping } from './key-wrapper.js';

/** A replica that was not seen for so long counts as gone. */
export const LIVE_MS = 30_000;
/** A key-encryption key that has opened its canary is believed for so long. */
const VERIFIED_MS = 10 * 60_000;
/** And for so long while its service is away. */
const BELIEVED_MS = 4 * 60 * 60_000;
const CANARY = { tenantId: 'none', purpose: 'canary' };

const holds = ({ proofs }: ReplicaRow, { kekId, canaryId }: KekProof): boolean =>
  proofs.some((proof) => proof.kekId === kekId && proof.canaryId === canaryId);

const differs = (kekId: string): KeyError =>
  new KeyError(
    'KEK_UNWRAP_FAILED',
    `the key with id "${kekId}" is not the one that other replicas have under this id`,
  );

/**
 * Brings a new key-encryption key into use only when every live replica has shown that it holds the same key: each one
 * opens the canary that the first one has wrapped.
 */
export class KekRollout {
  readonly replicaId = randomId();
  readonly #proven = new Map<string, KekProof & { at: number; revision: number }>();

  constructor(
    private readonly rows: KekRows,
    private readonly ring: KeyRing,
    private readonly wrapper: KeyWrapper,
    private readonly clock: Clock,
  ) {}

  /** Proves what this replica holds and tells the others. Returns what is wrong with a key that it cannot prove, or null. */
  async announce(): Promise<string | null> {
    const { proofs, fault } = await this.verify();
    await this.rows.beat(this.replicaId, proofs);
    return fault;
  }

  leave(): Promise<void> {
    return this.rows.leave(this.replicaId);
  }

  /** What wraps now: the most preferred key-encryption key that every live replica holds. @throws KeyError */
  async wrappingId(): Promise<string> {
    const { proofs, fault } = await this.verify();
    const others = await this.others();
    const usable = proofs.find((proof) => others.every((other) => holds(other, proof)));
    if (usable) return usable.kekId;
    throw new KeyError(
      'KEK_UNAVAILABLE',
      fault ?? 'no key-encryption key is held by every live replica: give them the same keyring',
    );
  }

  /** Live replicas, without this one, that have not shown that they hold the key whose canary is stored now. */
  async missingOn(kekId: string): Promise<string[]> {
    const canary = await this.rows.find(kekId);
    const proof = { kekId, canaryId: canary?.canaryId ?? 'none' };
    return (await this.others()).filter((other) => !holds(other, proof)).map(({ id }) => id);
  }

  /**
   * The key-encryption keys that this replica has proven to hold, the preferred one first. Plants canaries of new ones,
   * unless it is to look only.
   */
  async verify({ plants = true } = {}): Promise<{ proofs: KekProof[]; fault: string | null }> {
    const proofs: KekProof[] = [];
    let fault: string | null = null;
    for (const kekId of this.wrapper.kekIds) {
      try {
        proofs.push({ kekId, canaryId: await this.prove(kekId, plants) });
      } catch (error) {
        if (!(error instanceof KeyError)) throw error;
        fault ??= error.message;
      }
    }
    return { proofs, fault };
  }

  private async others(): Promise<ReplicaRow[]> {
    return (await this.rows.findLive(LIVE_MS)).filter(({ id }) => id !== this.replicaId);
  }

  /** The id of the canary that it has opened. @throws KeyError */
  private async prove(kekId: string, plants: boolean): Promise<string> {
    const canary = await this.rows.find(kekId);
    if (canary === null) return plants ? this.plant(kekId) : this.tryOut(kekId);
    const { revision } = this.wrapper;
    const proof = this.#proven.get(kekId);
    const known = proof?.canaryId === canary.canaryId && proof.revision === revision ? proof : null;
    const age = known ? this.clock.monotonic() - known.at : Infinity;
    if (age < VERIFIED_MS) return canary.canaryId;
    try {
      if (!(await this.opens(canary))) return await this.replace(canary, plants);
    } catch (error) {
      // A key service that is away does not take back what it has shown.
      if (error instanceof KeyError && error.transient && age < BELIEVED_MS) return canary.canaryId;
      throw error;
    }
    return this.#remember(canary, revision);
  }

  #remember({ id: kekId, canaryId }: KekRow, revision: number): string {
    this.#proven.set(kekId, { kekId, canaryId, revision, at: this.clock.monotonic() });
    return canaryId;
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

  private async plant(kekId: string): Promise<string> {
    const { revision } = this.wrapper;
    await this.rows.insert(await this.make(kekId));
    // Another replica may have been first: its canary counts.
    const canary = await this.rows.find(kekId);
    if (canary === null || !(await this.opens(canary))) throw differs(kekId);
    return this.#remember(canary, revision);
  }

  /** Who only looks leaves no canary: one that is never stored shows as much. */
  private async tryOut(kekId: string): Promise<string> {
    const canary = await this.make(kekId);
    if (!(await this.opens(canary))) throw differs(kekId);
    return canary.canaryId;
  }

  /** A key that has wrapped nothing, and that no live replica holds, may have been thrown away. */
  private async replace(before: KekRow, plants: boolean): Promise<string> {
    const { revision } = this.wrapper;
    const held = (await this.others()).some((other) =>
      holds(other, { kekId: before.id, canaryId: before.canaryId }),
    );
    if (held || !plants) throw differs(before.id);
    const canary = await this.make(before.id);
    if (!(await this.rows.replaceUnused(canary, before))) throw differs(before.id);
    return this.#remember(canary, revision);
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
}
