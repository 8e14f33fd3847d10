import { decodeJwt } from 'jose';
import { TokenInputError } from '../common/errors.js';
import { MAX_LIFETIME_SECONDS } from '../oauth/lifetime.js';

/** Before OAuth: a date there is a number of seconds that was taken for milliseconds. */
const EARLIEST = Date.UTC(2000, 0, 1);

/** `exp` of a JWT access token (RFC 9068) in epoch milliseconds: a hint about our own token, so no signature is checked. */
function ownExpiry(accessToken: string): number | null {
  try {
    const { exp } = decodeJwt(accessToken);
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : null;
  } catch {
    return null;
  }
}

/**
 * Milliseconds until an access token expires, negative once it has; null where no expiry is known. `now` is the target
 * database's clock in epoch milliseconds. @throws TokenInputError for what is not a date, or cannot be this one
 */
export function expiresInMs(expiresAt: unknown, accessToken: string, now: number): number | null {
  if (expiresAt !== null && expiresAt !== undefined) return plausible(expiresAt, now) - now;
  const own = ownExpiry(accessToken);
  return own === null || own < EARLIEST || own > now + MAX_LIFETIME_SECONDS * 1000 ? null : own - now;
}

function plausible(expiresAt: unknown, now: number): number {
  const fault = (expected: string): TokenInputError => new TokenInputError('expiresAt', expected);
  if (!(expiresAt instanceof Date)) throw fault(`must be a Date or null, it is ${typeof expiresAt}`);
  const milliseconds = expiresAt.getTime();
  if (Number.isNaN(milliseconds)) throw fault('is not a valid Date');
  if (milliseconds < EARLIEST)
    throw fault('is before the year 2000: a Date is made of milliseconds, new Date(seconds * 1000)');
  if (milliseconds > now + MAX_LIFETIME_SECONDS * 1000)
    throw fault('is more than ten years ahead; no expiry is null');
  return milliseconds;
}
