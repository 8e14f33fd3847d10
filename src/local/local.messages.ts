import type { ProviderSetup } from './provider.options.js';

/** What the app tells the process beside it. */
export interface LocalChildSetup {
  provider: ProviderSetup;
  /** 0 takes any free port, as does `apiPort`. */
  providerPort: number;
  apiPort: number;
}

/** What the process beside the app answers, once. */
export type LocalChildMessage =
  { type: 'ready'; issuer: string; apiOrigin: string } | { type: 'failed'; reason: string };
