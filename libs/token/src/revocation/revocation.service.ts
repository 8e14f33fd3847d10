import { DecryptionError, KeyUnavailableError } from '../common/errors.js';
import type { TokenEvents } from '../common/events.js';
import { randomFraction, randomId } from '../crypto/random.js';
import { Providers } from '../oauth/providers.js';
import { revokeAtProvider, type RevocationOutcome } from '../oauth/revocation.js';
import { type RevocableToken, RevocationOutbox } from '../store/revocation-outbox.js';
import { type NewRevocation, type PendingRevocation, RevocationRows } from '../store/revocation-rows.js';
import { TokenStore } from '../store/token-store.js';
import { retryInMs } from './backoff.js';

/** Beyond the time-outs of the requests: for the database. */
const LEASE_MARGIN_MS = 15_000;
/** While a deployment goes on some replicas know a new provider and others do not: it is left to the former. */
const UNKNOWN_PROVIDER_MS = 3_600_000;

/** One try: who it is about, and the entry with the number of the try, if there is one. */
interface Attempt {
  token: RevocableToken;
  entry: { id: string; attempts: number; ageMs: number } | null;
}

/** Puts tokens into the outbox and tries to revoke them at their providers (RFC 7009). */
export class RevocationService extends RevocationOutbox {
  constructor(
    private readonly rows: RevocationRows,
    private readonly store: TokenStore,
    private readonly providers: Providers,
    private readonly events: TokenEvents,
  ) {
    super();
  }

  override async add(token: RevocableToken): Promise<void> {
    const { entry } = await this.enter(token, 'now', async (sealed) => {
      if (sealed !== null) await this.rows.insert(sealed);
    });
    await this.tryNow(token, entry);
  }

  /**
   * Seals the token for the outbox and hands the entry to `write`, again where the database refuses its data key.
   * Where nothing can be sealed `write` gets null: a log-out must work without keys, too. `now`: the caller goes on
   * with `tryNow`, and other replicas leave the entry alone until it must have ended.
   */
  async enter<T>(
    { token, ...origin }: RevocableToken,
    tries: 'now' | 'later',
    write: (entry: NewRevocation | null) => Promise<T>,
  ): Promise<{ entry: NewRevocation | null; result: T }> {
    const id = randomId();
    const due =
      tries === 'now'
        ? { attempts: 1 as const, dueInMs: this.leaseMs(origin.provider) }
        : { attempts: 0 as const, dueInMs: 0 };
    try {
      return await this.store.sealRevocable({ tenantId: origin.tenantId, id }, token, async (tokenCt) => {
        const entry = { ...origin, id, tokenCt, ...due };
        return { entry, result: await write(entry) };
      });
    } catch (error) {
      if (!(error instanceof KeyUnavailableError)) throw error;
      return { entry: null, result: await write(null) };
    }
  }

  /** The first try, right after the log-out. Never throws: what is in the outbox is tried again. */
  async tryNow(token: RevocableToken, entry: NewRevocation | null): Promise<void> {
    try {
      await this.attempt({ token, entry: entry && { id: entry.id, attempts: 1, ageMs: 0 } });
    } catch {
      // The database is away: the entry is due again when its claim ends.
    }
  }

  /** Tries an entry, unless another replica is at it. */
  async tryAgain(pending: PendingRevocation): Promise<RevocationOutcome | 'taken'> {
    if (!(await this.rows.claim(pending, this.leaseMs(pending.provider)))) return 'taken';
    const entry = { id: pending.id, attempts: pending.attempts + 1, ageMs: pending.ageMs };
    const { tenantId, provider, recordId } = pending;
    if (pending.renewed && this.providers.find(provider)?.profile.revocationEndsGrant) {
      await this.giveUp(pending, 'logged_in_again');
      return { outcome: 'refused', reason: 'logged_in_again' };
    }
    try {
      const token = await this.store.openRevocable(pending, pending.tokenCt);
      return await this.attempt({ token: { tenantId, provider, recordId, token }, entry });
    } catch (error) {
      if (error instanceof DecryptionError) {
        await this.giveUp(pending, 'token_unreadable');
        return { outcome: 'refused', reason: 'token_unreadable' };
      }
      if (!(error instanceof KeyUnavailableError)) throw error;
      const retry = retryInMs(entry.attempts, null, randomFraction());
      const postponement = { retryInMs: retry, failure: 'key_unavailable', tokenCt: null };
      await this.rows.postpone(entry.id, entry.attempts, postponement);
      this.events.emit({ type: 'revocation_postponed', provider, recordId, reason: 'key_unavailable' });
      return { outcome: 'failed', reason: 'key_unavailable', retryAfterSeconds: null, providerDown: false };
    }
  }

  /** Takes an entry out of the outbox without success; counted by the replica that was first. */
  async giveUp(
    { id, provider, recordId }: Pick<PendingRevocation, 'id' | 'provider' | 'recordId'>,
    reason: string,
  ): Promise<void> {
    if (await this.rows.remove(id)) this.reportFailure(provider, recordId, reason);
  }

  reportFailure(provider: string, recordId: string, reason: string): void {
    this.events.emit({ type: 'revocation_failed', provider, recordId, reason });
  }

  private async attempt({ token, entry }: Attempt): Promise<RevocationOutcome> {
    const { provider, recordId } = token;
    const outcome = await this.ask(token, entry?.ageMs ?? null);
    if (outcome.outcome === 'revoked') {
      this.events.emit({ type: 'revocation_done', provider, recordId });
      if (entry) await this.rows.remove(entry.id);
    } else if (entry === null) this.reportFailure(provider, recordId, outcome.reason);
    else if (outcome.outcome === 'refused')
      await this.giveUp({ ...entry, provider, recordId }, outcome.reason);
    else await this.postpone(token, entry, outcome);
    return outcome;
  }

  private async ask(
    { provider: name, token }: RevocableToken,
    ageMs: number | null,
  ): Promise<RevocationOutcome> {
    const provider = this.providers.find(name);
    if (provider) return revokeAtProvider(provider, token);
    const reason = 'provider_not_configured';
    return ageMs !== null && ageMs < UNKNOWN_PROVIDER_MS
      ? { outcome: 'failed', reason, retryAfterSeconds: null, providerDown: false }
      : { outcome: 'refused', reason };
  }

  /** Seals the token anew: so nothing stays under a replaced data key for longer than the back-off. */
  private async postpone(
    { tenantId, provider, recordId, token }: RevocableToken,
    { id, attempts }: NonNullable<Attempt['entry']>,
    { reason, retryAfterSeconds, providerDown }: Extract<RevocationOutcome, { outcome: 'failed' }>,
  ): Promise<void> {
    const retry = retryInMs(attempts, retryAfterSeconds, randomFraction());
    const postponement = { retryInMs: retry, failure: reason.slice(0, 64) };
    this.events.emit({ type: 'revocation_postponed', provider, recordId, reason });
    try {
      await this.store.sealRevocable({ tenantId, id }, token, (tokenCt) =>
        this.rows.postpone(id, attempts, { ...postponement, tokenCt }),
      );
    } catch (error) {
      if (!(error instanceof KeyUnavailableError)) throw error;
      await this.rows.postpone(id, attempts, { ...postponement, tokenCt: null });
    }
    if (providerDown && retryAfterSeconds !== null) await this.rows.pause(provider, retry);
  }

  /** As long as a try may take: discovery, and a request for each client secret. */
  private leaseMs(name: string): number {
    const provider = this.providers.find(name);
    const requests = provider ? 1 + provider.credentials.length : 0;
    return LEASE_MARGIN_MS + Math.ceil(requests * (provider?.timeoutSeconds ?? 0) * 1000);
  }
}
