import type { Clock } from '../common/clock.js';
import type { TokenEvents } from '../common/events.js';
import { DataKeyRows } from './data-key-rows.js';
import { KeyRing } from './key-ring.js';
import { KeyError } from './key-wrapper.js';

/** How long a good result is believed, so that probes do not ask a remote key service every time. */
const GOOD_FOR_MS = 10_000;

/** Knows whether the keys in the database can be opened: one canary per key-encryption key. Changes nothing. */
export class KeyHealth {
  #goodUntil = -Infinity;

  constructor(
    private readonly rows: DataKeyRows,
    private readonly ring: KeyRing,
    private readonly events: TokenEvents,
    private readonly clock: Clock,
  ) {}

  /** Null when every key-encryption key in use opens its canary, otherwise the reason in one line. */
  async check(): Promise<string | null> {
    if (this.clock.monotonic() < this.#goodUntil) return null;
    let reason: string | null = null;
    try {
      await this.assertKeysOpen();
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      reason = error.message;
    }
    if (reason === null) this.#goodUntil = this.clock.monotonic() + GOOD_FOR_MS;
    this.events.emit({ type: 'keys_checked', ready: reason === null, reason });
    return reason;
  }

  /** @throws KeyError for the first canary that cannot be opened. */
  async assertKeysOpen(): Promise<void> {
    for (const row of await this.rows.findCanaries()) await this.ring.open(row);
  }
}
