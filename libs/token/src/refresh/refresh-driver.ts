import type { Clock } from '../common/clock.js';
import { KeyUnavailableError, ProviderUnavailableError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import type { ResolvedTokenRef } from '../common/tokens.js';
import { randomFraction, randomId } from '../crypto/random.js';
import type { Provider } from '../oauth/providers.js';
import { exchangeRefreshToken } from '../oauth/refresh-grant.js';
import { isOutdated } from '../store/open-current.js';
import { RevocationOutbox } from '../store/revocation-outbox.js';
import { type FullTokenRow, TokenRows } from '../store/token-rows.js';
import { TokenStore } from '../store/token-store.js';
import { Claims, type HeldClaim } from './claims.js';
import type { Effect, Effects, Flight } from './effects.js';
import { persist } from './persistence.js';
import { HEARTBEAT_MS, LEASE_MS } from './policy.js';
import type { Footing, ReplicaSession } from './replica-session.js';
import { SingleFlight } from './single-flight.js';

type Handlers = {
  [Name in keyof Effects]: (
    input: Effects[Name]['in'],
  ) => Promise<Effects[Name]['out']> | Effects[Name]['out'];
};

/** A row that somebody has claimed is read again at the latest after so long: sooner where nobody tells that it has changed. */
const UNREAD_MS = { heard: 1_000, unheard: 50 };

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
    private readonly session: ReplicaSession,
  ) {}

  /** Runs a flight to its end, whatever its callers do. @throws what the flight throws, and what the database or the keys do */
  async run<T>(flight: Flight<T>, ref: ResolvedTokenRef, provider: Provider): Promise<T> {
    const heartbeats: NodeJS.Timeout[] = [];
    const open = new Set<HeldClaim>();
    const handlers = this.handlers(ref, provider, heartbeats, open);
    try {
      let step = flight.next();
      while (!step.done) step = flight.next(await perform(handlers, step.value));
      return step.value;
    } finally {
      // Not before the answer is stored: while that takes long, nobody may take the claim over.
      for (const heartbeat of heartbeats) clearInterval(heartbeat);
      for (const { id, claimId } of open) this.background(claimId!, () => this.claims.letGo(id, claimId!));
    }
  }

  /** Resolves when no claim is left to be given back. */
  async settled(): Promise<void> {
    await this.#releases.settled();
  }

  /** `open` has the claims that rest on the session and have not come to an end. */
  private handlers(
    ref: ResolvedTokenRef,
    provider: Provider,
    heartbeats: NodeJS.Timeout[],
    open: Set<HeldClaim>,
  ): Handlers {
    const { rows, store, claims, outbox, clock, events, session } = this;
    const deadline = clock.monotonic() + LEASE_MS + provider.timeoutSeconds * 2000;
    let seen: FullTokenRow | null = null;
    let footing: Footing | null = null;
    return {
      read: async () => (seen = await rows.findFull(ref)),
      reread: () => persist(clock, () => rows.findFull(ref)),
      openAccess: (row) => unlessOutdated(() => store.open(row, 'accessCt', row.accessCt!)),
      open: async (row) => {
        const tokens = await unlessOutdated(() => store.openAll(row));
        if (tokens !== null) await store.assertSeals(row);
        return tokens;
      },
      presence: (row) => session.presences.of(row),
      wait: async () => {
        await this.wait(seen);
        return clock.monotonic() < deadline;
      },
      claim: async (row) => {
        footing = session.footing();
        if (footing === null)
          throw new ProviderUnavailableError(provider.name, 'the replica session is being restored', 1);
        const claimId = await this.claim(row, footing.claimant);
        if (claimId !== null && footing.claimant !== null) open.add({ ...row, claimId });
        return claimId;
      },
      present: async ({ row, claimId, refreshToken }) => {
        if (footing === null || !session.holds(footing)) {
          open.clear();
          this.giveBack(row, claimId);
          return null;
        }
        heartbeats.push(this.startHeartbeat(row.id, claimId));
        const started = clock.monotonic();
        const exchange = await exchangeRefreshToken(provider, refreshToken);
        return { exchange, elapsedMs: clock.monotonic() - started, random: randomFraction() };
      },
      commit: async ({ row, tokens, write, quarantine }) => {
        const stored = await persist(clock, () =>
          unlessShredded(() =>
            store.sealAndWrite(row, tokens, (cells) =>
              claims.commit(row.id, row.generation, { ...cells, ...write }, quarantine),
            ),
          ),
        );
        open.clear();
        return stored;
      },
      fail: async ({ held, failure }) => {
        const ended = await persist(clock, () => claims.fail(held, failure));
        open.clear();
        return ended;
      },
      giveUp: ({ held, failure }) => claims.fail(held, failure),
      discard: ({ row: { id, tenantId }, refreshToken }) =>
        persist(clock, () =>
          outbox.add({ tenantId, provider: provider.name, recordId: id, token: refreshToken }),
        ),
      report: (event) => events.emit(event),
    };
  }

  /** Until the row may have changed, or its claimant may have died: a claimant can be watched by many at the price of one. */
  private async wait(row: FullTokenRow | null): Promise<void> {
    const { news, presences } = this.session;
    const started = this.clock.monotonic();
    const watched = row !== null && row.claimReplica !== null;
    for (;;) {
      const pause = this.clock.sleep((watched ? 20 : 40) * (1 + randomFraction()));
      if (row === null) return pause;
      if (await news.change(row.id, pause)) return;
      const unreadMs = this.clock.monotonic() - started;
      if (!watched || unreadMs > (news.flowing ? UNREAD_MS.heard : UNREAD_MS.unheard)) return;
      if (!(await presences.isHeld(row))) return;
    }
  }

  private async claim(row: FullTokenRow, claimant: string | null): Promise<string | null> {
    const claimId = randomId();
    try {
      return (await this.claims.claim(row, claimId, claimant)) ? claimId : null;
    } catch (error) {
      // Perhaps claimed, certainly not presented: others need not take it for a lost refresh token.
      this.giveBack(row, claimId);
      throw error;
    }
  }

  private giveBack(row: FullTokenRow, claimId: string): void {
    this.background(claimId, () => this.claims.release(row, claimId));
  }

  /** As long as the session lives nobody else can take its claims over: until then it does not stop trying. */
  private background(claimId: string, write: () => Promise<void>): void {
    const unlessOver = async (): Promise<void> => (this.session.isOver ? undefined : write());
    this.#releases.run(claimId, () => persist(this.clock, unlessOver, Infinity)).catch(() => undefined);
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
