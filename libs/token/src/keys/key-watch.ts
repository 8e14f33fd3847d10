import type { Clock } from '../common/clock.js';
import type { TokenEvents } from '../common/events.js';
import { DataKeyRows } from './data-key-rows.js';
import { KekRollout } from './kek-rollout.js';
import { KeyHealth } from './key-health.js';
import { KeyManager } from './key-manager.js';
import { KeyRing } from './key-ring.js';
import { PURPOSES } from './key-states.js';
import { KeyWrapper } from './key-wrapper.js';

const NEWS_MS = 1_000;
/** Commits become visible out of order: look back a little further than to the last one seen. */
const OVERLAP_MS = 60_000;
const ROUND_MS = 5_000;
const ROUNDS_PER_CHECK = 6;

interface Parts {
  rows: DataKeyRows;
  ring: KeyRing;
  manager: KeyManager;
  wrapper: KeyWrapper;
  rollout: KekRollout;
  health: KeyHealth;
}

/**
 * Keeps this replica's view of the keys fresh: every second the states that other replicas have changed, every five
 * seconds the keyring file and this replica's sign of life, every thirty the canaries.
 */
export class KeyWatch {
  #stopped = false;
  /** What is going on; the pauses between are not waited for. */
  readonly #going = new Set<Promise<void>>();
  #latest = 0;
  /** What the last look has found, so that the overlap is news only once. */
  #seen = new Map<string, number>();
  #fault: string | null = null;

  constructor(
    private readonly parts: Parts,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
  ) {}

  /** The first look; the later ones follow by themselves until `stop`. */
  async start(): Promise<void> {
    // What has changed before this process began is in no cache of it.
    this.#latest = await this.parts.rows.lastChange();
    await this.round(true);
    // Two loops: a key service that hangs must not keep news from coming.
    void this.every(NEWS_MS, () => this.news());
    void this.every(ROUND_MS, (round) => this.round(round % ROUNDS_PER_CHECK === 0));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#going);
    await this.parts.rollout.leave().catch(() => undefined);
    await this.parts.wrapper.close();
  }

  private async every(pauseMs: number, work: (count: number) => Promise<void>): Promise<void> {
    for (let count = 1; ; count++) {
      await this.clock.sleep(pauseMs, false);
      if (this.#stopped) return;
      // The database may be away: readiness says so, and the next time tries again.
      const going = work(count).catch(() => undefined);
      this.#going.add(going);
      await going;
      this.#going.delete(going);
    }
  }

  private async news(): Promise<void> {
    const { rows, ring, manager } = this.parts;
    const seen = new Map<string, number>();
    for (const { id, tenantId, state, stateChangedAt } of await rows.findChanged(this.#latest - OVERLAP_MS)) {
      seen.set(id, stateChangedAt);
      if (this.#seen.get(id) === stateChangedAt) continue;
      this.#latest = Math.max(this.#latest, stateChangedAt);
      if (state === 'retired' || state === 'destroyed') ring.forget(id);
      for (const purpose of PURPOSES) manager.forget(tenantId, purpose);
    }
    this.#seen = seen;
  }

  private async round(checks: boolean): Promise<void> {
    const { wrapper, rollout, health } = this.parts;
    const before = wrapper.revision;
    let fault = await wrapper.refresh();
    const changed = wrapper.revision !== before;
    if (changed || checks) await health.check(true);
    // A replica that cannot open what is there is not counted, and adds nothing.
    if (health.ready) fault ??= await rollout.announce();
    if (fault !== this.#fault) this.events.emit({ type: 'keyring_checked', fault });
    this.#fault = fault;
  }
}
