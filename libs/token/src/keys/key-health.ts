import type { Clock } from '../common/clock.js';
import type { TokenEvents } from '../common/events.js';
import { type DataKeyRow, DataKeyRows } from './data-key-rows.js';
import { KeyRing } from './key-ring.js';
import { KeyError } from './key-wrapper.js';

/** How long a good result is believed, so that probes do not ask a remote key service every time. */
const GOOD_FOR_MS = 10_000;
/** While a key service is away, the keys that were unwrapped go on serving for so long. */
const SERVES_FOR_MS = 4 * 60 * 60_000;

/** Knows whether the keys in the database can be opened: one canary per key-encryption key. Changes nothing. */
export class KeyHealth {
  #goodUntil = -Infinity;
  #ready = false;
  #openedAt = -Infinity;
  #fault: string | null = null;
  /** The latest look that is under way: probes and new tenants that come together share it. */
  #looking: Promise<KeyError | null> | null = null;
  #lookedAt = -Infinity;
  /** Values that this process could not open since its start, by reason. */
  readonly failures: Record<string, number> = {};

  constructor(
    private readonly rows: DataKeyRows,
    private readonly ring: KeyRing,
    private readonly events: TokenEvents,
    private readonly clock: Clock,
  ) {
    events.stream.subscribe((event) => {
      if (event.type === 'decryption_failed')
        this.failures[event.reason] = (this.failures[event.reason] ?? 0) + 1;
    });
  }

  /** Why new keys cannot be opened now, while those in memory go on serving; else null. */
  degraded: string | null = null;

  /** What the last check has found, for as long as that counts. */
  get ready(): boolean {
    return this.#ready && this.clock.monotonic() - this.#openedAt < SERVES_FOR_MS;
  }

  /** The same as `check` says it, for whoever cannot wait for one. */
  get known(): string | null {
    return this.ready ? null : (this.#fault ?? 'neither database nor key service has answered in time');
  }

  /** Null when every key-encryption key in use opens its canary, or has done so lately and its service is away; else the reason in one line. */
  async check(anew = false): Promise<string | null> {
    if (!anew && this.clock.monotonic() < this.#goodUntil) return null;
    const fault = await this.look(anew);
    const now = this.clock.monotonic();
    if (fault === null) this.#openedAt = now;
    this.#ready = fault === null || (fault.transient && now - this.#openedAt < SERVES_FOR_MS);
    this.#fault = fault?.message ?? null;
    this.degraded = this.#ready ? this.#fault : null;
    this.#goodUntil = this.#ready ? now + GOOD_FOR_MS : -Infinity;
    this.events.emit({ type: 'keys_checked', ready: this.#ready, reason: this.#fault });
    return this.#ready ? null : this.#fault;
  }

  /** Joins no look that may not know of another keyring yet, and none that hangs. */
  private look(anew: boolean): Promise<KeyError | null> {
    const now = this.clock.monotonic();
    if (!anew && this.#looking && now - this.#lookedAt < GOOD_FOR_MS) return this.#looking;
    const looking = this.fault().finally(() => {
      if (this.#looking === looking) this.#looking = null;
    });
    this.#looking = looking;
    this.#lookedAt = now;
    return looking;
  }

  private async fault(): Promise<KeyError | null> {
    return [...(await this.faults()).values()].find((fault) => fault !== null) ?? null;
  }

  /** By key-encryption key in use: null where a canary opens, else why none does. */
  async faults(): Promise<Map<string, KeyError | null>> {
    const faults = new Map<string, KeyError | null>();
    for (const row of await this.rows.findCanaries()) {
      // One damaged data key is its tenant's misfortune; that none opens is a wrong key-encryption key.
      if (faults.get(row.kekId) !== null) faults.set(row.kekId, await this.faultOf(row));
    }
    return faults;
  }

  /** @throws KeyError for a key-encryption key of which no canary opens */
  async assertKeysOpen(): Promise<void> {
    const fault = await this.fault();
    if (fault) throw fault;
  }

  private async faultOf(row: DataKeyRow): Promise<KeyError | null> {
    try {
      await this.ring.open(row);
      return null;
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      return error;
    }
  }

  /** As `assertKeysOpen`, believing a good result of the last seconds. @throws KeyError */
  async assertReady(): Promise<void> {
    if (this.clock.monotonic() < this.#goodUntil) return;
    const fault = await this.look(false);
    if (fault) throw fault;
  }
}
