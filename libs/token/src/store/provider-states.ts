/** What all replicas know of how a provider fares. Instants are epoch milliseconds of the database's clock. */
export interface Circuit {
  /** Null: closed. Else nobody asks the provider but one probe at a time, and none before this instant. */
  probeAfter: number | null;
  /** Somebody is finding out; `probeAfter` is when it counts as dead then. */
  probing: boolean;
  /** Different rows that have failed in succession while it was closed. */
  failedRows: number;
  /** Probes that have failed since it was opened. */
  failedProbes: number;
  /** Outcome of the last failure that counted. */
  failedAs: string | null;
}

export const CLOSED: Circuit = {
  probeAfter: null,
  probing: false,
  failedRows: 0,
  failedProbes: 0,
  failedAs: null,
};

export interface ProviderState {
  provider: string;
  circuit: Circuit;
  /** Null while it is closed. */
  openedAt: number | null;
  /** The database's clock when the state was read. */
  now: number;
}

/**
 * Port: one row per provider that has ever failed or been rationed. While all is well nothing is written here, and what
 * is needed is read along with a row of tokens.
 */
export abstract class ProviderStates {
  abstract list(): Promise<ProviderState[]>;
  /** Counts the failure of one more row. True if that has opened the circuit, as it does with `threshold` of them in succession. */
  abstract countFailure(
    provider: string,
    failure: string,
    threshold: number,
    pauseMs: number,
  ): Promise<boolean>;
  /** Opens the circuit for `pauseMs`; one that is open and not being probed stays so for as long at least. True if it was closed. */
  abstract open(provider: string, failure: string, pauseMs: number): Promise<boolean>;
  /** Begins the succession anew, unless the circuit is open. */
  abstract forgetFailures(provider: string): Promise<void>;
  /** Keeps all others away for `leaseMs`; false if it is not time, or somebody was faster. */
  abstract takeProbe(provider: string, probeId: string, leaseMs: number): Promise<boolean>;
  /** The probe was answered. False if it had been given up. */
  abstract close(provider: string, probeId: string): Promise<boolean>;
  abstract failProbe(provider: string, probeId: string, failure: string, pauseMs: number): Promise<void>;
  /** The probe has asked nothing: somebody else may after `pauseMs`. */
  abstract releaseProbe(provider: string, probeId: string, pauseMs: number): Promise<void>;
  /**
   * Takes permits that cost `costMs` of the provider's time out of a bucket that holds `burstMs` at most, all or none.
   * 0: taken. Otherwise the milliseconds after which they may be there.
   */
  abstract takePermits(provider: string, costMs: number, burstMs: number): Promise<number>;
}
