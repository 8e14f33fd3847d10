import { decodeJwt } from 'jose';

export const MAX_LIFETIME_SECONDS = 10 * 365 * 24 * 3600;

function plausible(seconds: number): number | null {
  return Number.isFinite(seconds) && seconds >= 1 && seconds <= MAX_LIFETIME_SECONDS
    ? Math.floor(seconds)
    : null;
}

function expiresInSeconds(value: unknown): number | null {
  if (typeof value === 'number') return plausible(value);
  return typeof value === 'string' && /^\d{1,12}$/.test(value.trim()) ? plausible(Number(value)) : null;
}

/** `exp − iat` of a JWT access token (RFC 9068): a hint about our own token, so no signature is checked; no clock is needed. */
function jwtLifetimeSeconds(accessToken: string): number | null {
  try {
    const { exp, iat } = decodeJwt(accessToken);
    return typeof exp === 'number' && typeof iat === 'number' ? plausible(exp - iat) : null;
  } catch {
    return null;
  }
}

/**
 * Lifetime of a new access token in whole seconds, or null for "no known expiry". Providers send `expires_in` as a
 * number, a string, 0, a negative or absurd number, or not at all; what is not a plausible number of seconds (1 second
 * to ten years) counts as missing, and the next source is asked.
 */
export function lifetimeSeconds(
  received: { expiresIn: unknown; accessToken: string },
  lastLifetimeSeconds: number | null,
  defaultLifetimeSeconds: number | null,
): number | null {
  return (
    expiresInSeconds(received.expiresIn) ??
    jwtLifetimeSeconds(received.accessToken) ??
    lastLifetimeSeconds ??
    defaultLifetimeSeconds
  );
}
