import { KeyStateError, KeyUnavailableError, TokenInputError } from './common/errors.js';
import type { TokenEvents } from './common/events.js';
import { KeyReport } from './key-report.js';
import type { ActorOptions, KeyAuditEntry, KeyPlan, KeyStatus, RotationResult } from './key.service.types.js';
import type { DataKeyRow } from './keys/data-key-rows.js';
import { DataKeyRows } from './keys/data-key-rows.js';
import { KekRotation } from './keys/kek-rotation.js';
import { KeyManager } from './keys/key-manager.js';
import { PURPOSES, TRANSITIONS } from './keys/key-states.js';
import { KeyTransitions } from './keys/key-transitions.js';
import { KeyError } from './keys/key-wrapper.js';
import { SealedRows } from './store/sealed-rows.js';
import { assertId } from './token-ref.js';

const DAY_MS = 86_400_000;
const ERASED_AT_ONCE = 1000;
const MOST_ROUNDS = 100;
const ABANDONED_MS = 3_600_000;
const MAX_ACTOR = 64;
const ANYBODY = 'application';

interface Parts {
  keys: DataKeyRows;
  transitions: KeyTransitions;
  manager: KeyManager;
  kekRotation: KekRotation;
  sealedRows: SealedRows;
}

/** Shows, rotates, retires and destroys data keys, and moves them to another key-encryption key. Every change is audited. */
export class KeyService {
  constructor(
    private readonly parts: Parts,
    private readonly report: KeyReport,
    private readonly events: TokenEvents,
    private readonly settings: { destroyAfterDays: number },
  ) {}

  /** The keys, what is under them, who can open them, and how far re-encryption is. */
  status(): Promise<KeyStatus> {
    return this.report.status();
  }

  /** What `rotate`, `retire`, `destroy` and `rotateKek` would do now. Writes nothing. */
  async plan(options: { tenantId?: string } = {}): Promise<KeyPlan> {
    if (options.tenantId !== undefined) assertId('tenantId', options.tenantId);
    return this.report.plan(options.tenantId);
  }

  /** The audit trail, newest first. `limit` 1 to 10000, default 100. */
  async audit({ limit = 100 }: { limit?: number } = {}): Promise<KeyAuditEntry[]> {
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000)
      throw new TokenInputError('limit', 'must be an integer from 1 to 10000');
    return this.report.audit(limit);
  }

  /**
   * Gives one tenant, or all, new active data keys. From then on they seal; the old ones open until their rows have been
   * moved, which the scheduled job does, or `TokenMaintenance.reencrypt()`.
   * @throws KeyUnavailableError that counts, when a key cannot be made; the others have been replaced
   */
  async rotate({ tenantId, actor }: ActorOptions & { tenantId?: string } = {}): Promise<RotationResult> {
    if (tenantId !== undefined) assertId('tenantId', tenantId);
    const again = 'Repeat this for the tenants of such keys alone: the others would be replaced once more.';
    return this.replaceKeys(tenantId === undefined ? {} : { tenantId }, actorOf(actor), again);
  }

  /** The same for keys that were made longer ago than this. */
  async rotateOlderThan(days: number, { actor }: ActorOptions = {}): Promise<RotationResult> {
    // What a process that ended in the middle has left; it has never sealed anything.
    await this.parts.keys.deleteAbandoned(ABANDONED_MS);
    return this.replaceKeys({ minAgeMs: days * DAY_MS }, actorOf(actor), 'The next run tries these again.');
  }

  private async replaceKeys(
    filter: { tenantId?: string; minAgeMs?: number },
    actor: string,
    advice: string,
  ): Promise<RotationResult> {
    const rotated: RotationResult['rotated'] = [];
    const failed: { id: string; error: KeyError }[] = [];
    for (const old of await this.parts.keys.findRotatable(filter)) {
      const { tenantId, purpose } = old;
      try {
        const next = await this.parts.manager.replace(old, actor);
        if (next) rotated.push({ tenantId, purpose, from: old.id, to: next.id });
      } catch (error) {
        // One tenant's key must not keep the others from theirs.
        if (!(error instanceof KeyError)) throw error;
        failed.push({ id: old.id, error });
      }
    }
    const [first] = failed;
    if (first)
      throw new KeyUnavailableError(
        first.error.message,
        `${rotated.length} data key(s) were replaced, ${failed.length} not, the first of them ${first.id}. ${advice}`,
      );
    return { rotated };
  }

  /**
   * Ends a key that only opens: nothing can be sealed or opened under it any more. The database refuses while a row is
   * under it. Its wrapped bytes stay until `destroy`, and `restore` brings it back.
   * @throws KeyStateError `KEY_IN_USE` | `KEY_STATE_INVALID`
   */
  async retire(keyId: string, { actor }: ActorOptions = {}): Promise<void> {
    const key = await this.find(keyId);
    if (key.purpose !== 'token')
      throw new KeyStateError(
        'KEY_STATE_INVALID',
        `data key ${keyId} seals what the application has encrypted, and Tokenward does not know what is left under it: it is not retired.`,
      );
    if (key.state !== TRANSITIONS.retire.from) throw wrongState(key, 'retire');
    const destroyAfterMs = this.settings.destroyAfterDays * DAY_MS;
    const outcome = await this.parts.transitions.retire(key, destroyAfterMs, actorOf(actor));
    if (outcome === 'in_use') {
      const { rows, quarantinedRows, pendingRevocations } = await this.report.use(keyId);
      throw new KeyStateError(
        'KEY_IN_USE',
        `${rows} row(s) are still under data key ${keyId}, ${quarantinedRows} of them quarantined: the database refuses to retire it. Re-encrypt first.${waiting(pendingRevocations)}`,
      );
    }
    if (outcome === 'wrong_state') throw wrongState(await this.find(keyId), 'retire');
    this.changed(keyId, 'retired');
  }

  /** Retires the keys that were replaced longer ago than this and have no rows; how many. */
  async retireEmptied(minutes: number, options: ActorOptions = {}): Promise<number> {
    let retired = 0;
    for (const id of await this.report.emptied(minutes * 60_000)) {
      try {
        await this.retire(id, options);
        retired++;
      } catch (error) {
        // A replica that lags behind has used the key again, or another one has retired it.
        if (!(error instanceof KeyStateError)) throw error;
      }
    }
    return retired;
  }

  /** Brings a retired key back to opening, for rows of a restored backup. @throws KeyStateError `KEY_STATE_INVALID` */
  async restore(keyId: string, { actor }: ActorOptions = {}): Promise<void> {
    const key = await this.find(keyId);
    if (!(await this.parts.transitions.restore(key, actorOf(actor)))) throw wrongState(key, 'restore');
    this.changed(keyId, 'decrypt_only');
  }

  /** Erases a retired key's wrapped bytes, for ever. @throws KeyStateError `KEY_DESTROY_TOO_EARLY` | `KEY_STATE_INVALID` */
  async destroy(keyId: string, { actor }: ActorOptions = {}): Promise<void> {
    const key = await this.find(keyId);
    if (key.state !== TRANSITIONS.destroy.from) throw wrongState(key, 'destroy');
    if (!(await this.parts.transitions.destroy(key, actorOf(actor)))) {
      const { state, destroyAfter } = await this.find(keyId);
      if (state !== TRANSITIONS.destroy.from || destroyAfter === null) throw wrongState(key, 'destroy');
      throw new KeyStateError(
        'KEY_DESTROY_TOO_EARLY',
        `data key ${keyId} may be destroyed from ${new Date(destroyAfter).toISOString()} on: backups that need it may be restored until then.`,
      );
    }
    this.changed(keyId, 'destroyed');
  }

  /**
   * Destroys all data keys of a tenant and erases its tokens: unreadable on every replica within a second, in the
   * database and in every copy of it that was made later. Tombstones stay; the tenant gets no new keys. Nothing is
   * revoked at the providers. Repeat it if it was interrupted.
   */
  async shredTenant(
    tenantId: string,
    { actor }: ActorOptions = {},
  ): Promise<{ keys: number; tokens: number }> {
    assertId('tenantId', tenantId);
    const { transitions, sealedRows, manager } = this.parts;
    const keys = await transitions.shred(tenantId, PURPOSES, actorOf(actor));
    for (const purpose of PURPOSES) manager.forget(tenantId, purpose);
    let tokens = 0;
    for (let round = 1; ; round++) {
      for (let erased = -1; erased !== 0; tokens += erased)
        erased = await sealedRows.eraseTenant(tenantId, ERASED_AT_ONCE);
      // A replica that still knows the key may have written a row meanwhile; once the fence is closed it cannot.
      if (await transitions.closeDestroyed(tenantId)) break;
      if (round === MOST_ROUNDS)
        throw new KeyStateError(
          'KEY_IN_USE',
          `the keys of tenant ${tenantId} are destroyed, but rows are still being written under them; shred it once more.`,
        );
    }
    this.events.emit({ type: 'tenant_shredded', keys, tokens });
    return { keys, tokens };
  }

  /**
   * Wraps all data keys under the preferred key-encryption key. Token rows are untouched.
   * @throws KeyStateError `KEK_NOT_EVERYWHERE` while a live replica has not shown that it holds that key
   * @throws KeyUnavailableError that counts, when some could not be wrapped; the others are
   */
  async rotateKek({ actor }: ActorOptions = {}): Promise<{ kekId: string; rewrapped: number }> {
    const rewrapped = await this.parts.kekRotation.run(actorOf(actor));
    return { kekId: this.parts.kekRotation.kekId, rewrapped };
  }

  private async find(keyId: string): Promise<DataKeyRow> {
    assertId('keyId', keyId);
    const key = await this.parts.keys.findById(keyId);
    if (!key) throw new TokenInputError('keyId', `there is no data key ${keyId}`, 'KEY_UNKNOWN');
    return key;
  }

  private changed(keyId: string, to: string): void {
    this.events.emit({ type: 'data_key_changed', keyId, to });
  }
}

const waiting = (pendingRevocations: number): string =>
  pendingRevocations === 0
    ? ''
    : ` And ${pendingRevocations} token(s) under it wait for their revocation at the provider: each moves to the active key with its next try, within about an hour.`;

function wrongState({ id, state }: DataKeyRow, change: 'retire' | 'restore' | 'destroy'): KeyStateError {
  return new KeyStateError(
    'KEY_STATE_INVALID',
    `data key ${id} is ${state}; to ${change} it, it must be ${TRANSITIONS[change].from}.`,
  );
}

/** @throws TokenInputError */
export function actorOf(actor: string | undefined): string {
  if (actor === undefined) return ANYBODY;
  if (
    typeof actor !== 'string' ||
    actor === '' ||
    actor.length > MAX_ACTOR ||
    !actor.isWellFormed() ||
    /\p{Cc}/u.test(actor)
  )
    throw new TokenInputError(
      'actor',
      `must be a string of 1 to ${MAX_ACTOR} characters, none of them control`,
    );
  return actor;
}
