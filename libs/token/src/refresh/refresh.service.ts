import { IssuedAccessToken, type ResolvedTokenRef } from '../common/tokens.js';
import { lookupHash } from '../crypto/lookup-hash.js';
import { Providers } from '../oauth/providers.js';
import { Circuits } from './circuits.js';
import { newerThan } from './engine.js';
import { mayBeStale } from './hold.js';
import { RefreshDriver } from './refresh-driver.js';
import type { ResolvedRefreshOptions } from './refresh.options.js';
import { SingleFlight } from './single-flight.js';

/** Refreshes a row once per cluster: joined within the process, claimed in the row between processes. */
export class RefreshService {
  readonly #flights = new SingleFlight<IssuedAccessToken>();
  readonly #served = new Set<Promise<unknown>>();

  constructor(
    private readonly providers: Providers,
    private readonly driver: RefreshDriver,
    private readonly options: ResolvedRefreshOptions,
    private readonly circuits: Circuits,
  ) {}

  /** Work of a caller that may come to need a refresh: a shutdown waits for it, and what was there before may still claim. */
  async serve<T>(work: (askedAt: number) => Promise<T>): Promise<T> {
    const served = work(this.driver.now());
    this.#served.add(served);
    try {
      return await served;
    } finally {
      this.#served.delete(served);
    }
  }

  /**
   * A token newer than generation `seen`: by an exchange, or by waiting for whoever is at it. `askedAt` is the caller's,
   * from `serve`; without one it has come just now.
   * @throws TokenNotFoundError | ReauthorizationRequiredError | ProviderUnavailableError | DecryptionError | KeyUnavailableError
   */
  async newerThan(
    seen: number,
    ref: ResolvedTokenRef,
    askedAt = this.driver.now(),
  ): Promise<IssuedAccessToken> {
    // Who came in time does not join the flight of one that came too late to claim.
    const standing = this.driver.writes.gate.isLate(askedAt) ? 'late' : 'in time';
    const key = lookupHash([ref.tenantId, ref.userId, ref.provider, ref.account, String(seen), standing]);
    return this.#flights.run(key, async () => {
      const provider = this.providers.get(ref.provider);
      this.circuits.assertNotOpen(ref.provider);
      const { beforeExpirySeconds, afterRestore } = this.options;
      const holds = afterRestore === 'hold' && mayBeStale(provider);
      const flight = newerThan(seen, { ref, provider: provider.options, beforeExpirySeconds, holds });
      return this.driver.run(flight, ref, provider, askedAt);
    });
  }

  /** True while no refresh can succeed now, as far as this process knows: what is still valid serves to its end. */
  isHeldUp(provider: string): boolean {
    return this.circuits.isOpen(provider);
  }

  /** From now on no refresh token is presented for whoever asks; what others bring is handed out. */
  stopClaiming(): void {
    this.driver.writes.stopClaiming();
  }

  /** Ends all that is being repeated; what is not in the database is in the spool then. */
  async cutOff(): Promise<void> {
    await this.driver.writes.cutOff();
  }

  /** Resolves when every call that was there before is served, and no exchange of this process is in flight. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#served);
    await this.#flights.settled();
    await this.driver.writes.settled();
  }
}
