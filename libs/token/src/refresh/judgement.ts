import { TokenInputError } from '../common/errors.js';
import { idTokenFault } from '../oauth/id-token.js';
import { lifetimeSeconds } from '../oauth/lifetime.js';
import type { ProviderOptions } from '../oauth/provider.options.js';
import type { Exchange } from '../oauth/refresh-grant.js';
import { parseTokenResponse, type ReceivedTokens, refreshTokenOf } from '../oauth/token-response.js';
import type { FullTokenRow, TokenWrite, SealedCells } from '../store/token-rows.js';
import type { OpenedTokens } from '../store/token-store.js';
import { refreshInMs } from './policy.js';

export type Answer = Extract<Exchange, { outcome: 'answered' }>;

/** What to store of an answer. */
export interface Judgement {
  /** Null where the answer may be used; otherwise its access token is left out and only its refresh token counts. */
  fault: string | null;
  tokens: OpenedTokens;
  write: Omit<TokenWrite, keyof SealedCells>;
}

function received(
  answer: Answer,
  options: ProviderOptions,
  row: FullTokenRow,
  before: OpenedTokens,
): ReceivedTokens | string {
  try {
    const tokens = parseTokenResponse(answer.json);
    // RFC 6749 §7.1: who does not know a type must not use the token.
    if (!['Bearer', 'DPoP'].includes(tokens.tokenType)) return 'token_type is neither Bearer nor DPoP';
    // RFC 9449 §5: whoever insists on bound tokens discards others.
    if (options.dpop && tokens.tokenType !== 'DPoP') return 'token_type is not DPoP';
    const expected = { issuer: options.issuer, clientId: options.clientId, notExpiredAt: row.now };
    const fault = tokens.idToken === null ? null : idTokenFault(tokens.idToken, expected, before.idToken);
    return fault === null ? tokens : `ID token ${fault}`;
  } catch (error) {
    if (error instanceof TokenInputError) return error.message;
    throw error;
  }
}

/** Judges the answer to a refresh that took `elapsedMs`. Pure but for `random`, from 0 to 1. */
export function judge(
  answer: Answer,
  options: ProviderOptions,
  row: FullTokenRow,
  before: OpenedTokens,
  timing: { elapsedMs: number; beforeExpirySeconds: number; random: number },
): Judgement {
  const tokens = received(answer, options, row, before);
  const idle = options.idleExpirySeconds ?? null;
  if (typeof tokens === 'string') {
    // The access token of before stays in use for as long as it lasts.
    const { tokenType, scope, lifetimeSeconds: lifetime } = row;
    const left =
      row.expiresAt === null ? null : Math.max(0, Math.round(row.expiresAt - row.now - timing.elapsedMs));
    return {
      fault: tokens,
      tokens: { ...before, refreshToken: refreshTokenOf(answer.json) ?? before.refreshToken },
      write: {
        tokenType,
        scope,
        lifetimeSeconds: lifetime,
        expiresInMs: left,
        refreshInMs: left === null ? refreshInMs(null, 0, timing.random, idle) : 0,
      },
    };
  }
  const lifetime = lifetimeSeconds(tokens, row.lifetimeSeconds, options.defaultLifetimeSeconds ?? null);
  // It has been valid since the provider issued it, at the latest when it answered.
  const expiresInMs = lifetime === null ? null : Math.max(0, Math.round(lifetime * 1000 - timing.elapsedMs));
  return {
    fault: null,
    tokens: {
      accessToken: tokens.accessToken,
      refreshToken: tokens.refreshToken ?? before.refreshToken,
      idToken: tokens.idToken ?? before.idToken,
      dpopKey: before.dpopKey,
    },
    write: {
      tokenType: tokens.tokenType,
      scope: tokens.scope ?? row.scope,
      lifetimeSeconds: lifetime,
      expiresInMs,
      refreshInMs: refreshInMs(expiresInMs, timing.beforeExpirySeconds, timing.random, idle),
    },
  };
}
