import { inspect } from 'node:util';
import { Secret } from './secret.js';

/** Names one stored token set: whose it is, and at which provider. */
export interface TokenRef {
  /** The application's own id of the user: 1 to 255 characters, no control characters. */
  userId: string;
  /** A name from `TokenModuleOptions.providers`. */
  provider: string;
  /** The tenant of a multi-tenant application. Default: `default`. */
  tenantId?: string;
  /** Tells several accounts of one user at one provider apart. Default: `default`. */
  account?: string;
}

/** A `TokenRef` with its defaults filled in. */
export type ResolvedTokenRef = Required<TokenRef>;

interface AccessTokenFields {
  expiresAt: Date | null;
  tokenType: string;
  scope: string | null;
}

/**
 * A valid access token. `value` is readable but never printed: not by `JSON.stringify`, `util.inspect`, a template
 * string or a spread. `expiresAt` is null where the provider names no expiry.
 */
export class IssuedAccessToken extends Secret {
  readonly expiresAt: Date | null;
  readonly tokenType: string;
  readonly scope: string | null;
  readonly #generation: number;
  readonly #dpopKey: string | null;
  /** By how much the database's clock is ahead of the monotonic one; null where no row was read. */
  #databaseAhead: number | null = null;

  constructor(value: string, fields: AccessTokenFields, generation: number, dpopKey: string | null = null) {
    super(value);
    this.expiresAt = fields.expiresAt;
    this.tokenType = fields.tokenType;
    this.scope = fields.scope;
    this.#generation = generation;
    this.#dpopKey = dpopKey;
  }

  /** Which generation of the stored row this token came from. @internal */
  static generationOf(token: IssuedAccessToken): number {
    return token.#generation;
  }

  /** The private key that this token is bound to, as text; null where it is not, or where the key is not here. @internal */
  static dpopKeyOf(token: IssuedAccessToken): string | null {
    return token.#dpopKey;
  }

  /** `expiresAt` is an instant of the database, whose clock showed `now` when the monotonic one showed `monotonic`. @internal */
  static readAt(token: IssuedAccessToken, now: number, monotonic: number): void {
    token.#databaseAhead = now - monotonic;
  }

  /** Milliseconds until expiry, whatever time this machine believes it is; null where nobody knows. @internal */
  static millisecondsLeft(token: IssuedAccessToken, monotonic: number): number | null {
    const { expiresAt } = token;
    if (expiresAt === null || token.#databaseAhead === null) return null;
    return expiresAt.getTime() - token.#databaseAhead - monotonic;
  }

  override toJSON(): unknown {
    return { expiresAt: this.expiresAt, tokenType: this.tokenType, scope: this.scope };
  }

  override [inspect.custom](): unknown {
    return { expiresAt: this.expiresAt, tokenType: this.tokenType, scope: this.scope };
  }
}

/** Whether whoever sends this token has to prove a key with it (RFC 9449 §7.1). Case does not matter (RFC 6749 §5.1). */
export const isBound = ({ tokenType }: Pick<IssuedAccessToken, 'tokenType'>): boolean =>
  tokenType.toLowerCase() === 'dpop';

/** Everything that is stored for a `TokenRef`, opened. Secrets show only through their `value`. */
export interface TokenSet {
  accessToken: Secret;
  refreshToken: Secret | null;
  idToken: Secret | null;
  /** Null where the provider names no expiry. */
  expiresAt: Date | null;
  tokenType: string;
  scope: string | null;
}

/** `reauthorization_required`: the provider refused the refresh token; only the user can help by logging in again. */
export type TokenStatus = 'active' | 'reauthorization_required' | 'revoked';

/** What may be known about a stored token set without opening it. Never holds a secret. */
export interface StoredToken extends ResolvedTokenRef {
  status: TokenStatus;
  /** Grows by one with every stored token set, 1 after the log-in, 2 after the first refresh, and with a revocation. */
  generation: number;
  tokenType: string;
  scope: string | null;
  expiresAt: Date | null;
  /** From when on a refresh ahead of expiry is due. Null: never by time. */
  refreshAfter: Date | null;
  refreshedAt: Date;
  createdAt: Date;
  updatedAt: Date;
  hasRefreshToken: boolean;
  hasIdToken: boolean;
  /** Outcome of the last refresh if it failed, else null. See the glossary for the outcomes. */
  lastFailure: string | null;
}
