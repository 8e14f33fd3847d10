import { randomBytes, randomId } from '../crypto/random.js';
import type { RefreshTokenMode } from './authorization-server.options.js';
import { OAuthRefusal } from './oauth-answer.js';
import type { Oracle } from './oracle.js';

/** What one log-in has given, with every token that comes of it; a client's own token has neither user nor grant. */
export interface Grant {
  id: string;
  clientId: string;
  user: string;
  scope: string;
}

export interface AccessTokenRecord {
  clientId: string;
  grant: Grant | null;
  scope: string;
  /** Epoch milliseconds. */
  expiresAt: number;
}

interface Settings {
  mode: RefreshTokenMode;
  reuseGraceMs: number;
  lifetimeMs: number;
  now: () => number;
}

export interface IssuedPair {
  accessToken: string;
  refreshToken: string;
  scope: string;
  grant: Grant;
}

const REFUSED = 'the refresh token is unknown, used up, revoked or not of this client';
const words = (scope: string): string[] => scope.split(' ').filter(Boolean);
const randomToken = (): string => randomBytes(32).toString('base64url');

/** Grants and their tokens. Nothing in here waits, so of two presentations at once one is the second. */
export class Grants {
  readonly #access = new Map<string, AccessTokenRecord>();
  readonly #refresh = new Map<string, { grant: Grant; consumedAt: number | null }>();

  constructor(
    private readonly settings: Settings,
    private readonly oracle: Oracle,
  ) {}

  begin(clientId: string, user: string, scope: string): IssuedPair {
    const grant = { id: randomId(), clientId, user, scope };
    return this.#pair(grant, this.#newRefreshToken(grant), scope);
  }

  /** @throws OAuthRefusal `invalid_grant` or `invalid_scope` (RFC 6749 §6) */
  refresh(clientId: string, value: string, asked: string | null): IssuedPair {
    const found = this.#refresh.get(value);
    if (found?.grant.clientId !== clientId) throw new OAuthRefusal('invalid_grant', REFUSED);
    const { grant } = found;
    if (words(asked ?? '').some((scope) => !words(grant.scope).includes(scope)))
      throw new OAuthRefusal('invalid_scope', 'more was asked for than was granted');
    const { mode, reuseGraceMs, now } = this.settings;
    if (found.consumedAt !== null) {
      if (mode !== 'grace' || now() - found.consumedAt >= reuseGraceMs) {
        this.#end(grant);
        throw new OAuthRefusal('invalid_grant', REFUSED);
      }
    } else if (mode !== 'plain') {
      found.consumedAt = now();
      this.oracle.consume(value);
    }
    return this.#pair(grant, mode === 'plain' ? value : this.#newRefreshToken(grant), asked ?? grant.scope);
  }

  /** A token of the client's own (RFC 6749 §4.4). */
  clientToken(clientId: string, scope: string): string {
    return this.#newAccessToken({ clientId, grant: null, scope });
  }

  /** Revokes a token, and with one of a user's the whole grant (RFC 7009 §2.1). Others' tokens are left alone. */
  revoke(clientId: string, value: string): void {
    const record = this.#access.get(value);
    const grant = this.#refresh.get(value)?.grant ?? record?.grant;
    if ((grant ?? record)?.clientId !== clientId) return;
    this.#access.delete(value);
    if (grant) this.#end(grant);
  }

  /** Undefined for what is unknown, revoked or expired. */
  find(accessToken: string): AccessTokenRecord | undefined {
    const record = this.#access.get(accessToken);
    return record && record.expiresAt > this.settings.now() ? record : undefined;
  }

  #pair(grant: Grant, refreshToken: string, scope: string): IssuedPair {
    const accessToken = this.#newAccessToken({ clientId: grant.clientId, grant, scope });
    return { accessToken, refreshToken, scope, grant };
  }

  #newRefreshToken(grant: Grant): string {
    const value = randomToken();
    this.#refresh.set(value, { grant, consumedAt: null });
    this.oracle.issue(value, grant.id);
    return value;
  }

  #newAccessToken(record: Omit<AccessTokenRecord, 'expiresAt'>): string {
    const value = randomToken();
    const { now, lifetimeMs } = this.settings;
    this.#access.set(value, { ...record, expiresAt: now() + lifetimeMs });
    this.oracle.issue(value);
    return value;
  }

  #end({ id }: Grant): void {
    for (const [value, { grant }] of this.#refresh) if (grant.id === id) this.#refresh.delete(value);
    for (const [value, { grant }] of this.#access) if (grant?.id === id) this.#access.delete(value);
    this.oracle.revokeGrant(id);
  }
}
