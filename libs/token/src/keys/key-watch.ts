import type { Clock } from '../common/clock.js';
import type { TokenEvents } from '../common/events.js';
import { DataKeyRows } from './data-key-rows.js';
import { KekRollout } from './kek-rollout.js';
import { KeyHealth } from './key-health.js';
import { KeyManager } from './key-manager.js';
import { KeyRing } from './key-ring.js';
import type { Purpose } from './key-states.js';
import { KeyWrapper } from './key-wrapper.js';

const NEWS_MS = 1_000;
/** Commits become visible out of order: look back a little further than to the last one seen. */
const OVERLAP_MS = 5_000;
const NEWS_PER_ROUND = 5;
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
  /** The round that is going on; the pauses between rounds are not waited for. */
  #round: Promise<void> = Promise.resolve();
  #since = 0;
  #fault: string | null = null;

  constructor(
    private readonly parts: Parts,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
  ) {}

  /** The first look; the later ones follow by themselves until `stop`. */
  async start(): Promise<void> {
    await this.round(true);
    void this.run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#round;
    await this.parts.rollout.leave().catch(() => undefined);
    await this.parts.wrapper.close();
  }

  private async run(): Promise<void> {
    for (let beat = 1; ; beat++) {
      await this.clock.sleep(NEWS_MS, false);
      if (this.#stopped) return;
      this.#round = this.beat(beat);
      await this.#round;
    }
  }

  private async beat(count: number): Promise<void> {
    try {
      await this.news();
      if (count % NEWS_PER_ROUND === 0) await this.round(count % (NEWS_PER_ROUND * ROUNDS_PER_CHECK) === 0);
    } catch {
      // The database is away: readiness says so, and the next beat tries again.
    }
  }

  private async news(): Promise<void> {
    const { rows, ring, manager } = this.parts;
    for (const { id, tenantId, state, stateChangedAt } of await rows.findChanged(this.#since)) {
      this.#since = Math.max(this.#since, stateChangedAt - OVERLAP_MS);
      if (state === 'retired' || state === 'destroyed') ring.forget(id);
      for (const purpose of ['token', 'application'] satisfies Purpose[]) manager.forget(tenantId, purpose);
    }
  }

  private async round(checks: boolean): Promise<void> {
    const { wrapper, rollout, health } = this.parts;
    const before = wrapper.kekIds.join();
    let fault = await wrapper.refresh();
    const changed = wrapper.kekIds.join() !== before;
    if (changed) rollout.forget();
    if (changed || checks) await health.check(true);
    // A replica that cannot open what is there is not counted, and adds nothing.
    if (health.ready) fault ??= await rollout.announce();
    if (fault !== this.#fault) this.events.emit({ type: 'keyring_checked', fault });
    this.#fault = fault;
  }
}
