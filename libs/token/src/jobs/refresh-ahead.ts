import type { Clock } from '../common/clock.js';
import { DecryptionError, ProviderUnavailableError, TokenError } from '../common/errors.js';
import { Providers } from '../oauth/providers.js';
import { circuitEntry } from '../refresh/circuit.js';
import type { LineageWatch } from '../refresh/lineage-watch.js';
import { LEASE_MS } from '../refresh/policy.js';
import { RefreshService } from '../refresh/refresh.service.js';
import { ProviderStates } from '../store/provider-states.js';
import { type TokenRow, TokenRows } from '../store/token-rows.js';

const PARALLEL_REFRESHES = 10;
const UNREADABLE_DELAY_MS = 3_600_000;
/** A row that was taken is left alone by the other replicas for so long; of a replica that dies it is due again then. */
const HOLD_MS = 30_000;
/** Of a rationed provider no more is taken than half of that time lets through. */
const RATIONED_SECONDS = 15;
/** A shutdown waits for whoever sleeps. */
const LONGEST_SLEEP_MS = 1_000;
const KEEP_ALIVE_EVERY_MS = 6 * 3_600_000;
const KEEP_ALIVE_BATCH = 1_000;

/** Refreshes what is due before anybody asks for it. */
export class RefreshAhead {
  /** When rows from before an idle limit was configured have been looked for. */
  #keptAliveAt = -Infinity;

  constructor(
    private readonly rows: TokenRows,
    private readonly states: ProviderStates,
    private readonly refresher: RefreshService,
    private readonly providers: Providers,
    private readonly clock: Clock,
    private readonly lineage: LineageWatch,
  ) {}

  /** How many of at most `batchSize` rows it has refreshed. */
  async run(batchSize: number, signal?: AbortSignal): Promise<number> {
    await this.keepAlive(signal);
    let refreshed = 0;
    for (let left = batchSize; left > 0;) {
      if (signal?.aborted) break;
      const taken = await this.take(left);
      if (taken.length === 0) break;
      left -= taken.length;
      refreshed += await this.refreshAll(taken, signal);
    }
    return refreshed;
  }

  /** Rows of providers that may be asked: of one whose circuit is open a single one, as its probe. */
  private async take(limit: number): Promise<TokenRow[]> {
    const states = new Map((await this.states.list()).map((state) => [state.provider, state]));
    const entryOf = (name: string): ReturnType<typeof circuitEntry> => {
      const state = states.get(name);
      return state ? circuitEntry(state.circuit, state.now) : 'open to all';
    };
    // What would be turned away in this process is not taken from the others.
    const asked = this.providers.names.filter(
      (name) => entryOf(name) !== 'nobody' && !this.refresher.isHeldUp(name),
    );
    const most = (name: string): number => {
      if (entryOf(name) === 'one probe') return 1;
      const { refreshesPerSecond } = this.providers.get(name).options;
      return refreshesPerSecond === undefined
        ? Infinity
        : Math.max(1, Math.floor(refreshesPerSecond * RATIONED_SECONDS));
    };
    const batches = [
      { names: asked.filter((name) => most(name) === Infinity), limit },
      ...asked
        .filter((name) => most(name) < Infinity)
        .map((name) => ({ names: [name], limit: Math.min(limit, most(name)) })),
    ];
    const { holding } = this.lineage;
    const taken: TokenRow[] = [];
    for (const { names, limit: some } of batches)
      if (taken.length < limit)
        taken.push(
          ...(await this.rows.takeDue(
            names,
            holding,
            Math.min(some, limit - taken.length),
            LEASE_MS,
            HOLD_MS,
          )),
        );
    return taken;
  }

  private async refreshAll(taken: readonly TokenRow[], signal: AbortSignal | undefined): Promise<number> {
    const due = [...taken];
    let refreshed = 0;
    const worker = async (): Promise<void> => {
      for (let row = due.shift(); row; row = due.shift()) {
        if (signal?.aborted) return;
        if (await this.refreshOne(row, signal)) refreshed++;
      }
    };
    const workers = await Promise.allSettled(Array.from({ length: PARALLEL_REFRESHES }, worker));
    const failed = workers.find((ended) => ended.status === 'rejected');
    if (failed) throw failed.reason;
    return refreshed;
  }

  private async refreshOne(row: TokenRow, signal: AbortSignal | undefined): Promise<boolean> {
    const until = this.clock.monotonic() + HOLD_MS;
    for (;;) {
      try {
        await this.refresher.newerThan(row.generation, row);
        return true;
      } catch (error) {
        // One user's dead grant must not stop the others; the refresh has reported itself.
        if (!(error instanceof TokenError)) throw error;
        // What cannot even be opened has no back-off, and must not stand at the head of every run.
        if (error instanceof DecryptionError) await this.rows.postpone(row, UNREADABLE_DELAY_MS);
        if (!isRationed(error) || signal?.aborted) return false;
        // Nobody waits for this one: it takes its turn, while no other replica has it.
        const waitMs = error.retryAfter * 1000;
        if (this.clock.monotonic() + waitMs > until) return false;
        await this.clock.sleep(Math.min(waitMs, LONGEST_SLEEP_MS), false);
      }
    }
  }

  /** Rows that were stored before their provider was known to have an idle limit. */
  private async keepAlive(signal: AbortSignal | undefined): Promise<void> {
    const now = this.clock.monotonic();
    if (now - this.#keptAliveAt < KEEP_ALIVE_EVERY_MS) return;
    for (const name of this.providers.names) {
      const { idleExpirySeconds } = this.providers.get(name).options;
      if (idleExpirySeconds === undefined || idleExpirySeconds === null) continue;
      const idleMs = idleExpirySeconds * 1000;
      while ((await this.rows.keepAlive(name, idleMs, KEEP_ALIVE_BATCH, HOLD_MS)) === KEEP_ALIVE_BATCH)
        if (signal?.aborted) return;
    }
    this.#keptAliveAt = now;
  }
}

const isRationed = (error: TokenError): error is ProviderUnavailableError =>
  error instanceof ProviderUnavailableError && error.reason === 'rate_limited';
