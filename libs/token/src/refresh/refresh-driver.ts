import type { Clock } from '../common/clock.js';
import { KeyUnavailableError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import type { ResolvedTokenRef } from '../common/tokens.js';
import { randomFraction, randomId } from '../crypto/random.js';
import type { Provider } from '../oauth/providers.js';
import { exchangeRefreshToken } from '../oauth/refresh-grant.js';
import { isOutdated } from '../store/open-current.js';
import { RevocationOutbox } from '../store/revocation-outbox.js';
import { type FullTokenRow, TokenRows } from '../store/token-rows.js';
import { TokenStore } from '../store/token-store.js';
import { Claims } from './claims.js';
import { PROBE_DISTANCE_MS } from './circuit.js';
import { Circuits } from './circuits.js';
import type { Effect, Effects, Flight } from './effects.js';
import { persist } from './persistence.js';
import { Permits } from './permits.js';
import { HEARTBEAT_MS, LEASE_MS } from './policy.js';
import { SingleFlight } from './single-flight.js';

type Handlers = {
  [Name in keyof Effects]: (
    input: Effects[Name]['in'],
  ) => Promise<Effects[Name]['out']> | Effects[Name]['out'];
};

/** Carries out what a flight asks for: at the database, the keys and the provider. */
export class RefreshDriver {
  readonly #releases = new SingleFlight<void>();

  constructor(
    private readonly rows: TokenRows,
    private readonly store: TokenStore,
    private readonly claims: Claims,
    private readonly outbox: RevocationOutbox,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
    private readonly circuits: Circuits,
    private readonly permits: Permits,
  ) {}

  /** Runs a flight to its end, whatever its callers do. @throws what the flight throws, and what the database or the keys do */
  async run<T>(flight: Flight<T>, ref: ResolvedTokenRef, provider: Provider): Promise<T> {
    const heartbeats: NodeJS.Timeout[] = [];
    const probes = new Set<string>();
    const handlers = { ...this.handlers(ref, provider, heartbeats), ...this.shared(provider, probes) };
    try {
      let step = flight.next();
      while (!step.done) step = flight.next(await perform(handlers, step.value));
      return step.value;
    } finally {
      // Not before the answer is stored: while that takes long, nobody may take the claim over.
      for (const heartbeat of heartbeats) clearInterval(heartbeat);
      for (const probeId of probes) await this.circuits.settle(provider.name, probeId, null);
    }
  }

  /** Resolves when no claim is left to be given back. */
  async settled(): Promise<void> {
    await this.#releases.settled();
  }

  /** What all replicas share about a provider. */
  private shared(
    { name, timeoutSeconds, credentials, options }: Provider,
    probes: Set<string>,
  ): Pick<Handlers, 'probe' | 'permit' | 'settle'> {
    const { circuits, permits } = this;
    return {
      probe: async () => {
        // Discovery and every credential may take their time.
        const probeId = await circuits.probe(name, (timeoutSeconds * (credentials.length + 1) + 5) * 1000);
        if (probeId !== null) probes.add(probeId);
        return probeId;
      },
      permit: async () => {
        const waitMs = await permits.take(name, options.refreshesPerSecond!);
        // It may have been opened while this one was waiting.
        return waitMs === 0 && probes.size === 0 && circuits.isOpen(name) ? PROBE_DISTANCE_MS : waitMs;
      },
      settle: async ({ probeId, verdict }) => {
        await circuits.settle(name, probeId, verdict);
        if (probeId !== null) probes.delete(probeId);
      },
    };
  }

  private handlers(
    ref: ResolvedTokenRef,
    provider: Provider,
    heartbeats: NodeJS.Timeout[],
  ): Omit<Handlers, 'probe' | 'permit' | 'settle'> {
    const { rows, store, claims, outbox, clock, events } = this;
    const deadline = clock.monotonic() + LEASE_MS + provider.timeoutSeconds * 2000;
    return {
      read: async () => {
        const row = await rows.findFull(ref);
        if (row !== null) this.circuits.notice(provider.name, row.circuit, row.now);
        return row;
      },
      reread: () => persist(clock, () => rows.findFull(ref)),
      openAccess: (row) => unlessOutdated(() => store.open(row, 'accessCt', row.accessCt!)),
      open: async (row) => {
        const tokens = await unlessOutdated(() => store.openAll(row));
        if (tokens !== null) await store.assertSeals(row);
        return tokens;
      },
      wait: async () => {
        await clock.sleep(50 + randomFraction() * 100);
        return clock.monotonic() < deadline;
      },
      claim: (row) => this.claim(row),
      present: async ({ row, claimId, refreshToken }) => {
        heartbeats.push(this.startHeartbeat(row.id, claimId));
        const started = clock.monotonic();
        const exchange = await exchangeRefreshToken(provider, refreshToken);
        return { exchange, elapsedMs: clock.monotonic() - started, random: randomFraction() };
      },
      commit: ({ row, tokens, write, quarantine }) =>
        persist(clock, () =>
          unlessShredded(() =>
            store.sealAndWrite(row, tokens, (cells) =>
              claims.commit(row.id, row.generation, { ...cells, ...write }, quarantine),
            ),
          ),
        ),
      fail: ({ held, failure }) => persist(clock, () => claims.fail(held, failure)),
      giveUp: ({ held, failure }) => claims.fail(held, failure),
      discard: ({ row: { id, tenantId }, refreshToken }) =>
        persist(clock, () =>
          outbox.add({ tenantId, provider: provider.name, recordId: id, token: refreshToken }),
        ),
      report: (event) => events.emit(event),
    };
  }

  private async claim(row: FullTokenRow): Promise<string | null> {
    const claimId = randomId();
    try {
      return (await this.claims.claim(row, claimId)) ? claimId : null;
    } catch (error) {
      // Perhaps claimed, certainly not presented: others need not take it for a lost refresh token.
      this.#releases
        .run(claimId, () => persist(this.clock, () => this.claims.release(row, claimId)))
        .catch(() => undefined);
      throw error;
    }
  }

  private startHeartbeat(rowId: string, claimId: string): NodeJS.Timeout {
    const timer = setInterval(() => {
      // A missed beat shortens the lease; the next one, or the end of the lease, follows.
      this.claims.heartbeat(rowId, claimId).catch(() => undefined);
    }, HEARTBEAT_MS);
    return timer.unref();
  }
}

async function perform(handlers: Handlers, { name, input }: Effect): Promise<unknown> {
  return (handlers[name] as (input: unknown) => unknown)(input);
}

/** Null when the row has to be read again: its key was retired since, so it is under another one by now. */
async function unlessOutdated<T>(open: () => Promise<T>): Promise<T | null> {
  try {
    return await open();
  } catch (error) {
    if (isOutdated(error)) return null;
    throw error;
  }
}

/** A tenant that was shredded meanwhile has no key and gets none: its row is a tombstone, as after a log-out. */
async function unlessShredded(write: () => Promise<boolean>): Promise<boolean> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof KeyUnavailableError && error.reason === 'KEY_DESTROYED') return false;
    throw error;
  }
}
