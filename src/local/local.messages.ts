import type { ProviderSetup } from './provider.options.js';

export interface LocalProviderSetup {
  provider: ProviderSetup;
  /** 0 takes any free port, as does `apiPort`. */
  providerPort: number;
  apiPort: number;
}

/** The first that the app tells the process beside it: the providers by name. */
export type LocalChildSetup = Record<string, LocalProviderSetup>;

/** What it may tell later: how long this provider's token endpoint is to fail, in seconds. 0: no longer. */
export interface LocalOutage {
  provider: string;
  seconds: number;
}

export interface LocalAddresses {
  issuer: string;
  apiOrigin: string;
}

/** What the process beside the app answers, once. */
export type LocalChildMessage =
  { type: 'ready'; addresses: Record<string, LocalAddresses> } | { type: 'failed'; reason: string };
