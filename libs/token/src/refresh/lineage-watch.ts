import type { Clock } from '../common/clock.js';
import type { TokenEvents } from '../common/events.js';
import type { Providers } from '../oauth/providers.js';
import { Lineage, type LineageState } from '../store/lineage.js';
import { type AfterRestore, mayBeStale } from './hold.js';

/** For so long a failover may go unnoticed where nobody refreshes anything; a refresh looks for itself. */
const ROUND_MS = 2_000;

/** Notices that the database is another one than before, and knows what is held because of that. */
export class LineageWatch {
  #state: LineageState | null = null;
  #stopped = false;
  #going: Promise<void> = Promise.resolve();

  constructor(
    private readonly lineage: Lineage,
    private readonly providers: Providers,
    private readonly afterRestore: AfterRestore,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
  ) {}

  /** As of the last look: since when refresh tokens are held, and why a restore would not be noticed. */
  get state(): Omit<LineageState, 'known'> {
    const { heldBefore = null, blind = null } = this.#state ?? {};
    return { heldBefore: this.afterRestore === 'hold' ? heldBefore : null, blind };
  }

  /** The first look, before anybody refreshes anything; the later ones follow by themselves until `stop`. */
  async start(): Promise<void> {
    await this.recognize();
    if (this.lineage.available) void this.goOn();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#going;
  }

  /** Looks, and takes note of what it finds. One of the replicas that find the same tells of it. */
  async recognize(): Promise<void> {
    const seen = await this.lineage.look();
    if (seen.known) return this.note(seen);
    if (await this.lineage.adopt())
      this.events.emit({ type: 'restore_detected', afterRestore: this.afterRestore });
    this.note(await this.lineage.look());
  }

  /** Lets refresh tokens from before a restore be presented again; how many. For whoever knows that none is stale. */
  async release(actor: string): Promise<number> {
    await this.recognize();
    const heldBefore = this.#state?.heldBefore ?? null;
    const count = Object.values(await this.lineage.countHeld()).reduce((sum, some) => sum + some, 0);
    if (heldBefore === null || !(await this.lineage.release(heldBefore, actor))) return 0;
    this.events.emit({ type: 'hold_released', actor, tokens: count });
    this.note(await this.lineage.look());
    return count;
  }

  /** Token sets that are held, by provider. */
  async countHeld(): Promise<Record<string, number>> {
    if (this.afterRestore === 'present') return {};
    const counts = Object.entries(await this.lineage.countHeld());
    return Object.fromEntries(counts.filter(([name]) => this.holds(name)));
  }

  /** Providers of whose refresh tokens older ones are held after a restore. */
  get holding(): string[] {
    return this.providers.names.filter((name) => this.holds(name));
  }

  /** Rows of a provider that is not configured are not refreshed at all. */
  private holds(name: string): boolean {
    return (
      this.afterRestore === 'hold' &&
      this.providers.names.includes(name) &&
      mayBeStale(this.providers.get(name))
    );
  }

  private note(seen: LineageState): void {
    const before = this.#state;
    this.#state = seen;
    if (before?.heldBefore === seen.heldBefore && before.blind === seen.blind) return;
    this.events.emit({ type: 'lineage_checked', ...this.state });
  }

  private async goOn(): Promise<void> {
    for (;;) {
      await this.clock.sleep(ROUND_MS, false);
      if (this.#stopped) return;
      // The database is away: there is nothing to see.
      this.#going = this.recognize().catch(() => undefined);
      await this.#going;
    }
  }
}
