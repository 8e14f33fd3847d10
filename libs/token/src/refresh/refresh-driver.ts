import type { Clock } from '../common/clock.js';
import { KeyUnavailableError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import type { ResolvedTokenRef } from '../common/tokens.js';
import { DpopKey } from '../crypto/dpop-key.js';
import { randomFraction } from '../crypto/random.js';
import type { Provider } from '../oauth/providers.js';
import { exchangeRefreshToken } from '../oauth/refresh-grant.js';
import { isOutdated } from '../store/open-current.js';
import { RevocationOutbox } from '../store/revocation-outbox.js';
import { type FullTokenRow, TokenRows } from '../store/token-rows.js';
import { type OpenedTokens, type Sealer, TokenStore } from '../store/token-store.js';
import { Circuits } from './circuits.js';
import { type ClaimFailure, Claims, type HeldClaim } from './claims.js';
import { type EffectHandlers, perform } from './effect-handlers.js';
import type { Flight } from './effects.js';
import { FlightClaims } from './flight-claims.js';
import { LastingWrites } from './lasting-writes.js';
import { once } from './once.js';
import { OwedAnswer } from './owed-answer.js';
import { Permits } from './permits.js';
import { LEASE_MS, mayPresent } from './policy.js';
import { ProviderGate } from './provider-gate.js';
import type { LineageWatch } from './lineage-watch.js';
import type { ReplicaSession } from './replica-session.js';
import type { Spool } from './spool.js';
import { agedBy } from './spooled-answer.js';

export interface RefreshParts {
  rows: TokenRows;
  store: TokenStore;
  claims: Claims;
  outbox: RevocationOutbox;
  spool: Spool;
  session: ReplicaSession;
  circuits: Circuits;
  permits: Permits;
  lineage: LineageWatch;
}

/** What one flight has begun and has to end. */
interface Flown {
  readonly provider: string;
  readonly claims: FlightClaims;
  readonly gate: ProviderGate;
  owed: OwedAnswer | null;
}

/** A row that somebody has claimed is read again at the latest after so long: sooner where nobody tells that it has changed. */
const UNREAD_MS = { heard: 1_000, unheard: 50 };

/** Carries out what a flight asks for: at the database, the keys and the provider. */
export class RefreshDriver {
  /** What outlives a call that has failed, and ends with the process. */
  readonly writes: LastingWrites;

  constructor(
    private readonly parts: RefreshParts,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
  ) {
    this.writes = new LastingWrites(clock, events);
  }

  /** By the monotonic clock. */
  now(): number {
    return this.clock.monotonic();
  }

  /**
   * Runs a flight to its end, whatever its callers do; `askedAt` is when they have come.
   * @throws what the flight throws, and what the database or the keys do
   */
  async run<T>(
    flight: Flight<T>,
    ref: ResolvedTokenRef,
    provider: Provider,
    askedAt = this.now(),
  ): Promise<T> {
    const { circuits, permits } = this.parts;
    const flown: Flown = {
      provider: provider.name,
      claims: new FlightClaims({ ...this.parts, writes: this.writes, clock: this.clock, askedAt }),
      gate: new ProviderGate(circuits, permits, provider),
      owed: null,
    };
    const handlers = { ...this.handlers(ref, provider, flown), ...flown.gate.handlers };
    try {
      let step = flight.next();
      while (!step.done) step = flight.next(await perform(handlers, step.value));
      return step.value;
    } finally {
      flown.claims.end();
      await flown.gate.end();
      await flown.owed?.end();
    }
  }

  private handlers(
    ref: ResolvedTokenRef,
    provider: Provider,
    flown: Flown,
  ): Omit<EffectHandlers, 'probe' | 'permit' | 'settle'> {
    const { clock, events, writes } = this;
    const { rows, store, claims, outbox, circuits, spool, session, lineage } = this.parts;
    const deadline = clock.monotonic() + LEASE_MS + provider.timeoutSeconds * 2000;
    let seal!: Sealer;
    let readAt = 0;
    let mark = 0;
    let seen: FullTokenRow | null = null;
    return {
      read: async () => {
        readAt = clock.monotonic();
        mark = session.news.mark();
        seen = await rows.findFull(ref);
        if (seen !== null) circuits.notice(provider.name, seen.circuit, seen.now);
        return seen;
      },
      reread: () => writes.keep(flown, () => rows.findFull(ref)),
      recognize: () => lineage.recognize(),
      openAccess: (row) => unlessOutdated(() => store.openAccess(row)),
      open: async (row) => {
        const tokens = await unlessOutdated(() => store.openAll(row));
        if (tokens !== null) seal = await store.sealerFor(row);
        return tokens && withDpopKey(tokens, provider);
      },
      presence: (row) => session.presences.of(row),
      wait: async () => {
        await this.wait(seen, mark);
        return clock.monotonic() < deadline;
      },
      claim: async (row) => {
        // Whoever dies while a provider is silent must not leave a refresh token that may have been presented.
        await provider.metadata().catch(() => undefined);
        return flown.claims.take(row);
      },
      present: async ({ row, claimId, refreshToken, dpopKey }) => {
        const isHeld = (): boolean => {
          const laterMs = clock.monotonic() - readAt;
          return flown.claims.isHeld(row, claimId, mayPresent(row, provider.options, laterMs));
        };
        if (!isHeld()) return null;
        flown.claims.showLife(row.id, claimId);
        const started = clock.monotonic();
        const key = dpopKey === null ? null : DpopKey.parse(dpopKey);
        const exchange = await exchangeRefreshToken(provider, refreshToken, key, isHeld);
        return exchange && { exchange, elapsedMs: clock.monotonic() - started, random: randomFraction() };
      },
      commit: async ({ row, tokens, write, quarantine }) => {
        await flown.owed?.end();
        const { id: recordId, generation: presented } = row;
        const answeredAt = clock.monotonic();
        const countedAt = Math.round(row.now + answeredAt - readAt);
        const answer = { ref, recordId, presented, tokens, write, countedAt, quarantine };
        flown.owed = new OwedAnswer(spool, answer, seal);
        const sealed = new Set<string | null>();
        const commit = (): Promise<boolean> =>
          unlessShredded(() =>
            store.sealAndWrite(row, tokens, (cells) => {
              sealed.add(cells.refreshCt);
              const aged = agedBy(write, clock.monotonic() - answeredAt);
              return claims.commit(recordId, presented, { ...cells, ...aged }, quarantine);
            }),
          );
        const isCommitted = async (): Promise<boolean> => {
          const current = await rows.findFull(ref);
          return current?.id === recordId && current.refreshCt !== null && sealed.has(current.refreshCt);
        };
        const stored = await writes.keep(flown, once(commit, isCommitted));
        flown.claims.ended();
        return stored;
      },
      fail: async ({ held, failure }) => {
        const isEnded = async (): Promise<boolean> => {
          const current = await rows.findFull(ref);
          return current !== null && isAfter(held, failure, current);
        };
        const ended = await writes.keep(
          flown,
          once(() => claims.fail(held, failure), isEnded),
        );
        flown.claims.ended();
        return ended;
      },
      giveUp: ({ held, failure }) => claims.fail(held, failure),
      discard: ({ row: { id, tenantId }, refreshToken }) =>
        writes.keep(flown, () =>
          outbox.add({ tenantId, provider: provider.name, recordId: id, token: refreshToken }),
        ),
      report: (event) => events.emit(event),
    };
  }

  /** Until the row may have changed, or its claimant may have died: a claimant can be watched by many at the price of one. */
  private async wait(row: FullTokenRow | null, mark: number): Promise<void> {
    const { news, presences } = this.parts.session;
    const started = this.clock.monotonic();
    const watched = row !== null && row.claimReplica !== null;
    const pause = (): Promise<void> => this.clock.sleep((watched ? 20 : 40) * (1 + randomFraction()));
    if (row === null) return pause();
    // Told while this flight was looking elsewhere: nobody tells it again.
    if (news.hasChanged(row.id, mark)) return;
    const mayGoOn = async (): Promise<boolean> => {
      await pause();
      const unreadMs = this.clock.monotonic() - started;
      if (!watched || unreadMs > (news.flowing ? UNREAD_MS.heard : UNREAD_MS.unheard)) return false;
      return presences.isHeld(row);
    };
    while (await news.unlessChanged(row.id, mayGoOn()));
  }
}

/** Whether the row is as `fail` leaves it, and nobody has come since. */
const isAfter = (held: HeldClaim, { failure, reauthorize }: ClaimFailure, row: FullTokenRow): boolean =>
  row.id === held.id &&
  row.generation === held.generation &&
  row.failures === held.failures + 1 &&
  row.claimId === null &&
  row.lastFailure === failure &&
  row.status === (reauthorize ? 'reauthorization_required' : 'active');

/** A refresh token that no key is bound to yet may be presented with any: what comes back is bound to it from then on. */
function withDpopKey(tokens: OpenedTokens, { options }: Provider): OpenedTokens {
  return options.dpop && tokens.dpopKey === null ? { ...tokens, dpopKey: DpopKey.generate().text } : tokens;
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
