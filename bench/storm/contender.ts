import type { MintedTokens } from '@tokenward/nestjs/testing';
import type { ServerAddress, ServerKind } from '../../test/support/servers/server.js';

/** What every process of a storm is told; plain data, because it travels between processes. */
export interface Setup {
  database: ServerAddress & { type: ServerKind; database: string };
  issuer: string;
  clientId: string;
  clientSecret: string;
  keyring: string;
}

/** One process of an application. */
export interface Caller {
  /** What the application would send to an API for this user. */
  getAccessToken(userId: string): Promise<string>;
  end(): Promise<void>;
}

/** A user's log-in, as the provider has answered it. */
export interface Login {
  userId: string;
  tokens: MintedTokens;
}

/** A library that keeps users' tokens valid, used as its documentation says, with what its processes share in SQL. */
export interface Contender {
  /** Stores them as if their access tokens had run out since. */
  store(setup: Setup, logins: readonly Login[]): Promise<void>;
  open(setup: Setup): Promise<Caller>;
}
