/** What happens to a refresh token that is used (RFC 9700 §4.14.2). */
export type RefreshTokenMode =
  /** It is good once: the answer brings the next one. A second use revokes the whole grant, access tokens and all. */
  | 'strict'
  /** As `strict`, but within `reuseGraceSeconds` a second use is answered with a further, new pair. */
  | 'grace'
  /** It is good until it is revoked; the answer repeats it. */
  | 'plain';

export const REFRESH_TOKEN_MODES: readonly RefreshTokenMode[] = ['strict', 'grace', 'plain'];

/** A client that is registered at the server. */
export interface TestClient {
  clientId: string;
  /** Several are all good. Leave out for a public client. */
  clientSecret?: string | string[];
}

export interface AuthorizationServerOptions {
  mode: RefreshTokenMode;
  /** With `grace`: for how long after its first use. Default 30. */
  reuseGraceSeconds?: number;
  /** Default 300. */
  accessTokenLifetimeSeconds?: number;
  /** Default: one, `test-client`, with a secret. */
  clients?: [TestClient, ...TestClient[]];
  /** The server's time in epoch milliseconds. Default: the machine's. */
  now?: () => number;
}

export const SERVER_DEFAULTS = {
  reuseGraceSeconds: 30,
  accessTokenLifetimeSeconds: 300,
  clients: [{ clientId: 'test-client', clientSecret: 'test-client-secret-of-32-characters' }],
} satisfies Partial<AuthorizationServerOptions>;

export interface MintOptions {
  /** Default: `openid offline_access api`. */
  scope?: string;
  /** Default: the first client. */
  clientId?: string;
}

/** An answer of the token endpoint, as the wire carries it (RFC 6749 §5.1). */
export interface MintedTokens {
  access_token: string;
  refresh_token: string;
  /** With scope `openid`. */
  id_token?: string;
  token_type: 'Bearer';
  expires_in: number;
  scope: string;
}
