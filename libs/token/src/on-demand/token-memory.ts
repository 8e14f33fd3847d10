import { LRUCache } from 'lru-cache';
import type { Clock } from '../common/clock.js';
import type { TokenError } from '../common/errors.js';
import type { TokenEvents, TokenGrant } from '../common/events.js';
import { IssuedAccessToken } from '../common/tokens.js';
import { randomFraction } from '../crypto/random.js';
import type { RequestAnswer, RequestedToken, RequestFailure } from '../oauth/token-request.js';
import { backoffMs } from '../refresh/policy.js';
import { SingleFlight } from '../refresh/single-flight.js';
import { concernsClient, toError } from './rejection.js';

/** Bound of one memory where `cache: false` names none: without it every call would go to the provider. */
export const MEMORY_ENTRIES = 10_000;
/** For how long a token of unknown lifetime is handed out again. */
const UNKNOWN_LIFETIME_MS = 60_000;
/** The back-off doubles up to a minute: whoever corrects a configuration does not wait for longer. */
const MAX_DOUBLINGS = 5;

/** One call for a token. */
export interface Wanted {
  /** Stands for everything that makes tokens differ; only equal calls have equal keys. */
  key: string;
  provider: string;
  minTtlSeconds: number;
  forceRefresh: boolean | IssuedAccessToken;
}

export interface Issued {
  token: IssuedAccessToken;
  /** Null: no known expiry. */
  leftMs: number | null;
  /** Whatever the lifetime, the token is not handed out again after this. */
  holdMs?: number;
}

interface Held {
  token: IssuedAccessToken;
  until: number;
  /** A caller's `minTtlSeconds` counts up to this, so that a short-lived token is not requested for every call. */
  maxMarginMs: number;
}

interface BackOff {
  failures: number;
  until: number;
  failure: RequestFailure;
}

/**
 * Tokens of one grant, in this process only: they can be got again at any time, so they are not stored. Bounded; the least
 * recently used go first. Concurrent calls for one key share one request; after a failure the next one waits.
 */
export class TokenMemory {
  readonly #held: LRUCache<string, Held>;
  readonly #backOffs: LRUCache<string, BackOff>;
  readonly #flights = new SingleFlight<IssuedAccessToken>();

  constructor(
    readonly grant: TokenGrant,
    maxEntries: number,
    private readonly clock: Clock,
    private readonly events: TokenEvents,
  ) {
    const perf = { now: (): number => clock.monotonic() };
    this.#held = new LRUCache({ max: maxEntries, perf });
    this.#backOffs = new LRUCache({ max: maxEntries });
  }

  /** @throws ProviderUnavailableError | TokenRequestRejectedError, and whatever `issue` throws */
  async get(
    wanted: Wanted,
    request: () => Promise<RequestAnswer>,
    issue: (token: RequestedToken, leftMs: number | null) => Promise<Issued>,
  ): Promise<IssuedAccessToken> {
    const held = this.#held.get(wanted.key);
    if (held && this.serves(held, wanted)) return held.token;
    return this.#flights.run(wanted.key, () => this.request(wanted, request, issue));
  }

  private serves({ token, until, maxMarginMs }: Held, { minTtlSeconds, forceRefresh }: Wanted): boolean {
    const refused =
      forceRefresh instanceof IssuedAccessToken ? forceRefresh.value === token.value : forceRefresh;
    return !refused && until - this.clock.monotonic() > Math.min(minTtlSeconds * 1000, maxMarginMs);
  }

  private async request(
    wanted: Wanted,
    request: () => Promise<RequestAnswer>,
    issue: (token: RequestedToken, leftMs: number | null) => Promise<Issued>,
  ): Promise<IssuedAccessToken> {
    const { key, provider } = wanted;
    this.assertNoBackOff(key, provider);
    const startedAt = this.clock.monotonic();
    const answer = await request();
    const elapsedMs = this.clock.monotonic() - startedAt;
    const { outcome } = answer;
    const reason = answer.outcome === 'issued' ? {} : { reason: answer.reason };
    const durationSeconds = elapsedMs / 1000;
    this.events.emit({
      type: 'token_request',
      provider,
      grant: this.grant,
      outcome,
      ...reason,
      durationSeconds,
    });
    if (answer.outcome !== 'issued') throw this.backOff(key, provider, answer);
    this.forgive(key, provider);
    // It has been valid since the provider issued it, at the latest when it answered.
    const { lifetimeSeconds: lifetime } = answer.token;
    const issued = await issue(
      answer.token,
      lifetime === null ? null : Math.max(0, lifetime * 1000 - elapsedMs),
    );
    this.hold(key, issued);
    return issued.token;
  }

  private hold(key: string, { token, leftMs, holdMs = Infinity }: Issued): void {
    const ms = Math.floor(Math.min(leftMs ?? UNKNOWN_LIFETIME_MS, holdMs));
    if (ms < 1) return void this.#held.delete(key);
    const until = this.clock.monotonic() + ms;
    this.#held.set(key, { token, until, maxMarginMs: leftMs === null ? 0 : ms / 2 }, { ttl: ms });
  }

  private assertNoBackOff(...keys: [key: string, provider: string]): void {
    const now = this.clock.monotonic();
    for (const key of keys) {
      const backOff = this.#backOffs.get(key);
      if (backOff && backOff.until > now)
        throw toError(keys[1], this.grant, backOff.failure, Math.ceil((backOff.until - now) / 1000));
    }
  }

  /** What is about the client as a whole holds all its requests of this grant up, the rest only those for this key. */
  private backOff(tokenKey: string, provider: string, failure: RequestFailure): TokenError {
    const key = concernsClient(failure) ? provider : tokenKey;
    const before = this.#backOffs.get(key);
    const now = this.clock.monotonic();
    // Requests that were under way together and failed together count as one.
    const more = before && before.until > now ? 0 : 1;
    const failures = Math.min((before?.failures ?? 0) + more, MAX_DOUBLINGS);
    const waitMs = backoffMs(failures, failure.retryAfterSeconds, randomFraction());
    const until = Math.max(before?.until ?? 0, now + waitMs);
    this.#backOffs.set(key, { failures, until, failure });
    return toError(provider, this.grant, failure, Math.ceil((until - now) / 1000));
  }

  /** A success says nothing about a back-off that another request has begun since. */
  private forgive(...keys: [key: string, provider: string]): void {
    const now = this.clock.monotonic();
    for (const key of keys)
      if ((this.#backOffs.get(key)?.until ?? Infinity) <= now) this.#backOffs.delete(key);
  }
}
