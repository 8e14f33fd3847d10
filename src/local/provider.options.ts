import type { JWK } from 'jose';

/** A client that the provider knows from the start. */
export interface ProviderClient {
  id: string;
  secret: string;
  /** Public keys of a client that signs (`private_key_jwt`) instead of sending a secret. */
  publicKeys?: JWK[];
}

/** What a provider of this kind is made from: the local one of `npm start`, and those of the tests. */
export interface ProviderSetup {
  /** The application that users log in to. */
  app: ProviderClient & { redirectPaths: string[]; postLogoutRedirectPaths: string[] };
  /** The protected API, which asks the provider about the tokens that it is shown. */
  api: ProviderClient;
  /** How long an access token lives, in seconds. */
  accessTokenTtlSeconds: number;
  /** Whether each refresh brings a new refresh token, and using an old one revokes the grant. */
  rotateRefreshTokens: boolean;
  /** Begins the names of its cookies, which all ports of a host share. Default: `local_provider`. */
  cookiePrefix?: string;
}
