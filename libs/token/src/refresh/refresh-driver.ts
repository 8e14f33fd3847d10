import type { Clock } from '../common/clock.js';
import { KeyUnavailableError, ProviderUnavailableError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import type { ResolvedTokenRef } from '../common/tokens.js';
import { DpopKey } from '../crypto/dpop-key.js';
import { randomFraction, randomId } from '../crypto/random.js';
import type { Provider } from '../oauth/providers.js';
import { exchangeRefreshToken } from '../oauth/refresh-grant.js';
import { isOutdated } from '../store/open-current.js';
import { RevocationOutbox } from '../store/revocation-outbox.js';
import { type FullTokenRow, TokenRows } from '../store/token-rows.js';
import { type OpenedTokens, type Sealer, TokenStore } from '../store/token-store.js';
import { PROBE_DISTANCE_MS } from './circuit.js';
import { Circuits } from './circuits.js';
import { Claims, type HeldClaim } from './claims.js';
import type { Effect, Effects, Flight } from './effects.js';
import { OwedAnswer } from './owed-answer.js';
import { persist } from './persistence.js';
import { Permits } from './permits.js';
import { HEARTBEAT_MS, LEASE_MS } from './policy.js';
import type { Footing, ReplicaSession } from './replica-session.js';
import { SHUTTING_DOWN, ShutdownGate } from './shutdown-gate.js';
import { SingleFlight } from './single-flight.js';
import type { Spool } from './spool.js';
import { agedBy } from './spooled-answer.js';

type Handlers = {
  [Name in keyof Effects]: (
    input: Effects[Name]['in'],
  ) => Promise<Effects[Name]['out']> | Effects[Name]['out'];
};

/** A row that somebody has claimed is read again at the latest after so long: sooner where nobody tells that it has changed. */
const UNREAD_MS = { heard: 1_000, unheard: 50 };

/** What one flight has begun and has to end. */
interface Flown {
  readonly provider: string;
  readonly heartbeats: NodeJS.Timeout[];
  /** Claims that rest on the session and have not come to an end. */
  readonly open: Set<HeldClaim>;
  readonly probes: Set<string>;
  owed: OwedAnswer | null;
}

/** Carries out what a flight asks for: at the database, the keys and the provider. */
export class RefreshDriver {
  readonly #releases = new SingleFlight<void>();
  readonly #gate = new ShutdownGate();

  constructor(
    private readonly rows: TokenRows,
    private readonly store: TokenStore,
    private readonly claims: Claims,
    private readonly outbox: RevocationOutbox,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
    private readonly spool: Spool,
    private readonly session: ReplicaSession,
    private readonly circuits: Circuits,
    private readonly permits: Permits,
  ) {}

  /** Runs a flight to its end, whatever its callers do. @throws what the flight throws, and what the database or the keys do */
  async run<T>(flight: Flight<T>, ref: ResolvedTokenRef, provider: Provider): Promise<T> {
    const flown: Flown = {
      provider: provider.name,
      heartbeats: [],
      open: new Set(),
      probes: new Set(),
      owed: null,
    };
    const handlers = { ...this.handlers(ref, provider, flown), ...this.shared(provider, flown.probes) };
    try {
      let step = flight.next();
      while (!step.done) step = flight.next(await perform(handlers, step.value));
      return step.value;
    } finally {
      // Not before the answer is stored: while that takes long, nobody may take the claim over.
      for (const heartbeat of flown.heartbeats) clearInterval(heartbeat);
      for (const probeId of flown.probes) await this.circuits.settle(provider.name, probeId, null);
      for (const { id, claimId } of flown.open)
        this.background(claimId!, () => this.claims.letGo(id, claimId!));
      await flown.owed?.end();
    }
  }

  /** From now on no refresh token is presented for whoever asks; what others bring is handed out. */
  stopClaiming(): void {
    this.#gate.begin(this.clock.monotonic());
  }

  /** Ends all that is being repeated; what is not in the database is in the spool then. */
  async cutOff(): Promise<void> {
    await this.#gate.close();
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
    flown: Flown,
  ): Omit<Handlers, 'probe' | 'permit' | 'settle'> {
    const { rows, store, claims, outbox, clock, events, spool, session } = this;
    const askedAt = clock.monotonic();
    const deadline = askedAt + LEASE_MS + provider.timeoutSeconds * 2000;
    let seal!: Sealer;
    let readAt = 0;
    let seen: FullTokenRow | null = null;
    let footing: Footing | null = null;
    return {
      read: async () => {
        readAt = clock.monotonic();
        seen = await rows.findFull(ref);
        if (seen !== null) this.circuits.notice(provider.name, seen.circuit, seen.now);
        return seen;
      },
      reread: () => this.keep(flown, () => rows.findFull(ref)),
      openAccess: (row) => unlessOutdated(() => store.openAccess(row)),
      open: async (row) => {
        const tokens = await unlessOutdated(() => store.openAll(row));
        if (tokens !== null) seal = await store.sealerFor(row);
        return tokens && withDpopKey(tokens, provider);
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
        const claimId = await this.claim(row, footing.claimant, askedAt);
        if (claimId !== null && footing.claimant !== null) flown.open.add({ ...row, claimId });
        return claimId;
      },
      present: async ({ row, claimId, refreshToken, dpopKey }) => {
        if (footing === null || !session.holds(footing)) {
          flown.open.clear();
          this.giveBack(row, claimId);
          return null;
        }
        flown.heartbeats.push(this.startHeartbeat(row.id, claimId));
        const started = clock.monotonic();
        const key = dpopKey === null ? null : DpopKey.parse(dpopKey);
        const exchange = await exchangeRefreshToken(provider, refreshToken, key);
        return { exchange, elapsedMs: clock.monotonic() - started, random: randomFraction() };
      },
      commit: async ({ row, tokens, write, quarantine }) => {
        await flown.owed?.end();
        const { id: recordId, generation: presented } = row;
        const answeredAt = clock.monotonic();
        const countedAt = Math.round(row.now + answeredAt - readAt);
        const answer = { ref, recordId, presented, tokens, write, countedAt, quarantine };
        flown.owed = new OwedAnswer(spool, answer, seal);
        const stored = await this.keep(flown, () =>
          unlessShredded(() =>
            store.sealAndWrite(row, tokens, (cells) => {
              const aged = agedBy(write, clock.monotonic() - answeredAt);
              return claims.commit(recordId, presented, { ...cells, ...aged }, quarantine);
            }),
          ),
        );
        flown.open.clear();
        return stored;
      },
      fail: async ({ held, failure }) => {
        const ended = await this.keep(flown, () => claims.fail(held, failure));
        flown.open.clear();
        return ended;
      },
      giveUp: ({ held, failure }) => claims.fail(held, failure),
      discard: ({ row: { id, tenantId }, refreshToken }) =>
        this.keep(flown, () =>
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

  private async claim(row: FullTokenRow, claimant: string | null, askedAt: number): Promise<string | null> {
    const claimId = randomId();
    if (!this.#gate.isOpen(askedAt, this.clock.monotonic())) throw shuttingDown(row.provider);
    try {
      const claimed = await this.claims.claim(row, claimId, claimant);
      // Its answer would find neither keys nor database.
      if (this.#gate.closed.aborted) throw shuttingDown(row.provider);
      return claimed ? claimId : null;
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
    const until = this.#gate.closed;
    const patience = until.aborted ? { attempts: 1 } : { attempts: Infinity, until };
    const unlessOver = async (): Promise<void> => (this.session.isOver ? undefined : write());
    this.#releases.run(claimId, () => persist(this.clock, unlessOver, patience)).catch(() => undefined);
  }

  /** Patiently, until a shutdown has no time left. What was answered goes to the spool as soon as the database stumbles. */
  private async keep<T>({ owed, provider }: Flown, write: () => Promise<T>): Promise<T> {
    const { clock, events } = this;
    const gate = this.#gate;
    const settings = { until: gate.closed, ...(owed && { onTrouble: () => owed.keep() }) };
    try {
      return await gate.track(persist(clock, write, settings));
    } catch (error) {
      if (owed && !(await owed.abandon()))
        events.emit({ type: 'answer_spooled', ...owed.about, outcome: 'lost' });
      throw error === gate.closed.reason ? shuttingDown(provider) : error;
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

/** A refresh token that no key is bound to yet may be presented with any: what comes back is bound to it from then on. */
function withDpopKey(tokens: OpenedTokens, { options }: Provider): OpenedTokens {
  return options.dpop && tokens.dpopKey === null ? { ...tokens, dpopKey: DpopKey.generate().text } : tokens;
}

const shuttingDown = (provider: string): ProviderUnavailableError =>
  new ProviderUnavailableError(provider, SHUTTING_DOWN, 1);

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
export async function unlessShredded(write: () => Promise<boolean>): Promise<boolean> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof KeyUnavailableError && error.reason === 'KEY_DESTROYED') return false;
    throw error;
  }
}
