import type { CompactJWSHeaderParameters } from 'jose';
import { errorCode } from './error-code.js';
import { KeysUnavailableError } from './provider-keys.js';
import type { Provider } from './providers.js';

/** What a logout token is about: at least one of the two. */
export interface LogoutToken {
  subject: string | null;
  sid: string | null;
  jti: string;
  /** Epoch milliseconds from which on it is refused as too old, so that nobody has to remember it longer. */
  refusedFrom: number;
}

export type ReadLogoutToken = LogoutToken | { fault: string; unavailable: boolean };

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const MAX_CHARACTERS = 16_384;
/** Of `sub`, `sid` and `jti`: OpenID Connect Core 1.0 §2 bounds `sub` to 255. */
const MAX_ID = 255;
/** A provider sends it when it is made, and makes a new one when it tries again. */
const MAX_AGE_SECONDS = 600;
/** Clocks of provider and database may differ by this much. */
const TOLERANCE_SECONDS = 60;
/** An access token says `at+jwt`, an ID token mostly nothing: that one has no `events` (§4 of the specification). */
const TYPES = new Set(['logout+jwt', 'application/logout+jwt', 'jwt']);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_ID;
const isInstant = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/**
 * Why a logout token whose signature is right is refused, or null: OpenID Connect Back-Channel Logout 1.0 §2.6, 3 to 6, and
 * §2.4. `now` in epoch seconds. Pure.
 */
export function logoutTokenFault(
  { typ }: Partial<CompactJWSHeaderParameters>,
  claims: Record<string, unknown>,
  expected: { issuer: string; clientId: string; now: number },
): string | null {
  const { iss, aud, iat, exp, jti, sub, sid, events } = claims;
  if (typ !== undefined && !(typeof typ === 'string' && TYPES.has(typ.toLowerCase())))
    return 'is of another type';
  if (iss !== expected.issuer) return 'was issued by another issuer';
  if (![aud].flat().includes(expected.clientId)) return 'was issued to another client';
  if (!isInstant(iat)) return 'has no iat';
  if (iat > expected.now + TOLERANCE_SECONDS) return 'was issued in the future';
  if (iat < expected.now - MAX_AGE_SECONDS - TOLERANCE_SECONDS) return 'is too old';
  if (!isInstant(exp)) return 'has no exp';
  if (exp <= expected.now - TOLERANCE_SECONDS) return 'has expired';
  if (!isId(jti)) return 'has no jti';
  if (sub === undefined && sid === undefined) return 'names neither sub nor sid';
  if (sub !== undefined && !isId(sub)) return 'has a sub that is not a string';
  if (sid !== undefined && !isId(sid)) return 'has a sid that is not a string';
  if (!isObject(events) || !Object.hasOwn(events, EVENT) || !isObject(events[EVENT]))
    return 'does not hold the event of a log-out';
  if (Object.hasOwn(claims, 'nonce')) return 'has a nonce';
  return null;
}

/** Reads what a provider has posted, and believes nothing that is not signed by its keys. `now`: the database's clock. */
export async function readLogoutToken(
  provider: Provider,
  token: unknown,
  now: () => Promise<number>,
): Promise<ReadLogoutToken> {
  const refused = (fault: string, unavailable = false): ReadLogoutToken => ({ fault, unavailable });
  if (typeof token !== 'string' || token === '') return refused('is missing, or there are several');
  if (token.length > MAX_CHARACTERS) return refused(`has more than ${MAX_CHARACTERS} characters`);
  const { clientId } = provider.options;
  let signed;
  let issuer: string;
  try {
    const keys = await provider.keys();
    if (keys === null) return refused('cannot be checked: the keys of the provider are not known');
    ({ issuer } = await provider.metadata());
    signed = await keys.verify(token);
  } catch (error) {
    return error instanceof KeysUnavailableError
      ? refused('cannot be checked: the keys of the provider cannot be fetched', true)
      : refused(`has no good signature (${errorCode(error)})`);
  }
  const seconds = (await now()) / 1000;
  const fault = logoutTokenFault(signed.header, signed.claims, { issuer, clientId, now: seconds });
  if (fault !== null) return refused(fault);
  const { sub, sid, jti, iat } = signed.claims;
  return {
    subject: (sub as string | undefined) ?? null,
    sid: (sid as string | undefined) ?? null,
    jti: jti as string,
    // One second more, for the moment itself.
    refusedFrom: ((iat as number) + MAX_AGE_SECONDS + TOLERANCE_SECONDS + 1) * 1000,
  };
}
