import { KeyStateError } from '../common/errors.js';
import { KekRollout } from './kek-rollout.js';
import { KeyTransitions } from './key-transitions.js';
import { KeyWrapper, wrapping } from './key-wrapper.js';

const BATCH = 200;
const PARALLEL = 8;

/** Wraps data keys anew under the preferred key-encryption key. No row of tokens is touched. */
export class KekRotation {
  constructor(
    private readonly transitions: KeyTransitions,
    private readonly wrapper: KeyWrapper,
    private readonly rollout: KekRollout,
  ) {}

  /** What it moves data keys to. */
  get kekId(): string {
    return this.wrapper.kekId;
  }

  /** Why the preferred key-encryption key may not wrap yet, in words for an operator; null when it may. */
  async obstacle(): Promise<string | null> {
    const { kekId } = this.wrapper;
    const { held, fault } = await this.rollout.verify();
    if (!held.includes(kekId)) return fault ?? `key-encryption key "${kekId}" has not opened its canary here`;
    const missing = await this.rollout.missingOn(kekId);
    return missing.length === 0
      ? null
      : `key-encryption key "${kekId}" is not held by ${missing.length} live replica(s): ${missing.join(', ')}`;
  }

  /** How many data keys were wrapped anew. Can be ended and begun again at any point. @throws KeyStateError `KEK_NOT_EVERYWHERE` | KeyError */
  async run(actor: string): Promise<number> {
    const { kekId } = this.wrapper;
    const obstacle = await this.obstacle();
    if (obstacle !== null)
      throw new KeyStateError(
        'KEK_NOT_EVERYWHERE',
        `${obstacle}. Nothing was changed: give every replica the same keyring, the new entry included.`,
      );
    let rewrapped = 0;
    for (let after = ''; ;) {
      const keys = await this.transitions.findWrappedByOthers(kekId, after, BATCH);
      if (keys.length === 0) break;
      after = keys.at(-1)!.id;
      const waiting = [...keys];
      const done: Parameters<KeyTransitions['rewrap']>[0][number][] = [];
      const worker = async (): Promise<void> => {
        for (let key = waiting.shift(); key; key = waiting.shift()) {
          const { id, tenantId, purpose } = key;
          const before = key.wrapped!;
          const context = { dataKeyId: id, tenantId, purpose };
          const wrapped = await wrapping(() => this.wrapper.rewrap(before, context, kekId));
          done.push({ id, before, wrapped, kekId });
        }
      };
      await Promise.all(Array.from({ length: PARALLEL }, worker));
      rewrapped += await this.transitions.rewrap(done);
    }
    await this.transitions.record({
      actor,
      action: 'rewrap',
      keyId: kekId,
      from: null,
      to: `${rewrapped} data keys`,
    });
    return rewrapped;
  }
}
