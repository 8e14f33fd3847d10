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

  constructor(
    private readonly providers: Providers,
    private readonly driver: RefreshDriver,
    private readonly options: ResolvedRefreshOptions,
    private readonly circuits: Circuits,
  ) {}

  /**
   * A token newer than generation `seen`: by an exchange, or by waiting for whoever is at it.
   * @throws TokenNotFoundError | ReauthorizationRequiredError | ProviderUnavailableError | DecryptionError | KeyUnavailableError
   */
  async newerThan(seen: number, ref: ResolvedTokenRef): Promise<IssuedAccessToken> {
    const key = lookupHash([ref.tenantId, ref.userId, ref.provider, ref.account, String(seen)]);
    return this.#flights.run(key, async () => {
      const provider = this.providers.get(ref.provider);
      this.circuits.assertNotOpen(ref.provider);
      const { beforeExpirySeconds, afterRestore } = this.options;
      const holds = afterRestore === 'hold' && mayBeStale(provider);
      const flight = newerThan(seen, { ref, provider: provider.options, beforeExpirySeconds, holds });
      return this.driver.run(flight, ref, provider);
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

  /** Resolves when no exchange of this process is in flight. */
  async settled(): Promise<void> {
    await this.#flights.settled();
    await this.driver.writes.settled();
  }
}
