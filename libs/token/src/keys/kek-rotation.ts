import { KeyStateError, KeyUnavailableError } from '../common/errors.js';
import type { DataKeyRow } from './data-key-rows.js';
import { KekRollout } from './kek-rollout.js';
import { KeyRing } from './key-ring.js';
import { KeyTransitions, type Rewrapped } from './key-transitions.js';
import { KeyError, KeyWrapper, wrapping } from './key-wrapper.js';

const BATCH = 200;
const PARALLEL = 8;

/** Wraps data keys anew under the preferred key-encryption key. No row of tokens is touched. */
export class KekRotation {
  constructor(
    private readonly transitions: KeyTransitions,
    private readonly wrapper: KeyWrapper,
    private readonly rollout: KekRollout,
    private readonly ring: KeyRing,
  ) {}

  /** What it moves data keys to. */
  get kekId(): string {
    return this.wrapper.kekId;
  }

  /** Why the preferred key-encryption key may not wrap yet, in words for an operator; null when it may. */
  async obstacle(): Promise<string | null> {
    const { kekId } = this.wrapper;
    const { proofs, fault } = await this.rollout.verify({ plants: false });
    if (!proofs.some((proof) => proof.kekId === kekId))
      return fault ?? `key-encryption key "${kekId}" has not opened its canary here`;
    const missing = await this.rollout.missingOn(kekId);
    return missing.length === 0
      ? null
      : `key-encryption key "${kekId}" is not held by ${missing.length} live replica(s): ${missing.join(', ')}`;
  }

  /**
   * How many data keys were wrapped anew. Can be ended and begun again at any point.
   * @throws KeyStateError `KEK_NOT_EVERYWHERE` · KeyUnavailableError that counts, when some could not be wrapped
   */
  async run(actor: string): Promise<number> {
    const { kekId } = this.wrapper;
    const obstacle = await this.obstacle();
    if (obstacle !== null)
      throw new KeyStateError(
        'KEK_NOT_EVERYWHERE',
        `${obstacle}. Nothing was changed: give every replica the same keyring, the new entry included.`,
      );
    let rewrapped = 0;
    const faults: KeyError[] = [];
    // Once more after a pass that has changed something: a replica may have used the old key a moment ago.
    for (let pass = -1; pass !== 0 && faults.length === 0; rewrapped += pass) {
      pass = 0;
      for (let after = ''; ;) {
        const keys = await this.transitions.findWrappedByOthers(kekId, after, BATCH);
        if (keys.length === 0) break;
        after = keys.at(-1)!.id;
        const done = await this.wrapAnew(keys, kekId, faults);
        if (done.length > 0) pass += await this.transitions.rewrap(done, actor);
      }
    }
    const [fault] = faults;
    if (fault)
      // Whoever takes this for "nothing was done" takes the new key out of the keyring, and with it what it has wrapped.
      throw new KeyUnavailableError(
        fault.message,
        `${rewrapped} data key(s) were wrapped anew under "${kekId}", ${faults.length} not. Keep it and the old key-encryption keys, and repeat this.`,
      );
    return rewrapped;
  }

  /** Those that were wrapped. What has kept others from it is added to `faults`. */
  private async wrapAnew(
    keys: readonly DataKeyRow[],
    kekId: string,
    faults: KeyError[],
  ): Promise<Rewrapped[]> {
    const waiting = [...keys];
    const done: Rewrapped[] = [];
    const worker = async (): Promise<void> => {
      for (let key = waiting.shift(); key; key = waiting.shift()) {
        const { id, tenantId, purpose } = key;
        const before = key.wrapped!;
        try {
          const wrapped = await wrapping(() =>
            this.wrapper.rewrap(before, { dataKeyId: id, tenantId, purpose }, kekId),
          );
          // These bytes will be the only ones there are: they must open to the same key first.
          await this.ring.unwrap({ ...key, wrapped });
          done.push({ id, before, wrapped, kekId });
        } catch (error) {
          // One damaged data key must not keep the others under the old key.
          if (!(error instanceof KeyError)) throw error;
          faults.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    return done;
  }
}
