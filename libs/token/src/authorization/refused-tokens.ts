import { LRUCache } from 'lru-cache';
import { ReauthorizationRequiredError } from '../common/errors.js';
import type { IssuedAccessToken, ResolvedTokenRef } from '../common/tokens.js';
import type { TokenService } from '../token.service.js';

/** Milliseconds in which this process replaces a user's token once: an API that refuses every token must not cause a storm. */
const COOL_DOWN_MS = 10_000;

/** Replaces access tokens that an API has refused before their time, as a page says: once for all its tabs. */
export class RefusedTokens {
  readonly #replaced = new LRUCache<string, Promise<unknown>>({ max: 10_000, ttl: COOL_DOWN_MS });

  constructor(private readonly tokens: Pick<TokenService, 'getAccessToken' | 'refreshTokens'>) {}

  /** A newer token, or the same one where there is none to be had. @throws as `TokenService.getAccessToken` */
  async replace(ref: ResolvedTokenRef): Promise<IssuedAccessToken> {
    const key = JSON.stringify([ref.tenantId, ref.userId, ref.provider, ref.account]);
    const under = this.#replaced.get(key);
    if (under !== undefined) {
      await under.catch(() => undefined);
      return this.tokens.getAccessToken(ref);
    }
    const replacement = this.tokens.refreshTokens(ref);
    this.#replaced.set(key, replacement);
    try {
      return await replacement;
    } catch (error) {
      // There may be no refresh token: one API that refuses the token is no reason to log the user out.
      if (error instanceof ReauthorizationRequiredError) return this.tokens.getAccessToken(ref);
      throw error;
    }
  }
}
