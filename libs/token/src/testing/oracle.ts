import { sha256 } from '../crypto/sha256.js';

/** One request to the token endpoint. */
export interface SeenTokenRequest {
  grantType: string;
  /** `hashOf` the refresh token that was presented. */
  refreshTokenHash: string | null;
  /** `ok`, the OAuth error code, or the fault that kept the request from the server. */
  outcome: string;
}

/** One request to the revocation endpoint (RFC 7009). */
export interface SeenRevocation {
  /** `hashOf` the token that was to be revoked. */
  tokenHash: string | null;
  outcome: string;
}

/** SHA-256 in hex: logs name tokens by it. */
export const hashOf = (token: string): string => sha256(token);

/**
 * What an authorization server itself saw and did: the truth that a client's claims are held against. The questions
 * come first; the methods below them are for whoever runs the server.
 */
export class Oracle {
  readonly requests: SeenTokenRequest[] = [];
  readonly revocations: SeenRevocation[] = [];
  /** Grants (what one log-in has given, with all tokens that came of it) that were revoked, by reuse or on request. */
  readonly revokedGrants: string[] = [];
  /** Every token value that was ever issued, for a search of places where none may be. */
  readonly issued = new Set<string>();
  /** Presentations of refresh tokens that had been used up by an earlier one. */
  reuses = 0;
  readonly #alive = new Map<string, string>();
  readonly #consumed = new Set<string>();
  readonly #spent = new Set<string>();

  /** Refreshes that succeeded. */
  get exchanges(): number {
    return this.requests.filter(({ grantType, outcome }) => grantType === 'refresh_token' && outcome === 'ok')
      .length;
  }

  /** Every request that carried this refresh token, also those that a fault kept from the server. */
  presentations(refreshToken: string): SeenTokenRequest[] {
    const hash = hashOf(refreshToken);
    return this.requests.filter(({ refreshTokenHash }) => refreshTokenHash === hash);
  }

  /** Refresh tokens that are neither used up nor revoked: the one that a client has stored must be among them. */
  aliveRefreshTokens(): string[] {
    return [...this.#alive.keys()];
  }

  /** A token was issued; `refreshTokenOf` is the grant's id where it is a refresh token. */
  issue(value: string, refreshTokenOf?: string): void {
    this.issued.add(value);
    if (refreshTokenOf !== undefined) this.#alive.set(value, refreshTokenOf);
  }

  /** A refresh token was used up. */
  consume(refreshToken: string): void {
    this.#alive.delete(refreshToken);
    this.#consumed.add(hashOf(refreshToken));
  }

  /** A single refresh token was revoked. */
  forget(refreshToken: string): void {
    this.#alive.delete(refreshToken);
  }

  revokeGrant(id: string): void {
    this.revokedGrants.push(id);
    for (const [token, grant] of this.#alive) if (grant === id) this.#alive.delete(token);
  }

  /** The server has answered a token request. */
  answered(form: URLSearchParams, outcome: string): void {
    const { refreshTokenHash: hash } = this.keptAway(form, outcome);
    if (hash === null || !this.#consumed.has(hash)) return;
    // The first one is the presentation that has consumed it.
    if (this.#spent.has(hash)) this.reuses += 1;
    this.#spent.add(hash);
  }

  /** A token request never reached the server. */
  keptAway(form: URLSearchParams, outcome: string): SeenTokenRequest {
    const refreshToken = form.get('refresh_token');
    const request = {
      grantType: form.get('grant_type') ?? '',
      refreshTokenHash: refreshToken === null ? null : hashOf(refreshToken),
      outcome,
    };
    this.requests.push(request);
    return request;
  }

  /** A revocation was answered, or kept from the server. */
  revocation(form: URLSearchParams, outcome: string): void {
    const token = form.get('token');
    this.revocations.push({ tokenHash: token === null ? null : hashOf(token), outcome });
  }
}
