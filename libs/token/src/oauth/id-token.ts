import { decodeJwt, type JWTPayload } from 'jose';

export const OF_ANOTHER_USER = 'belongs to another user than the stored one';

function claimsOf(idToken: string): JWTPayload | null {
  try {
    return decodeJwt(idToken);
  } catch {
    return null;
  }
}

/** Clocks of providers and databases may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 300;

const ENTRA_SHARED = /^https:\/\/login\.microsoftonline\.com\/(?:common|organizations|consumers)\/v2\.0$/;

function sameIssuer(claims: JWTPayload, issuer: string): boolean {
  // Microsoft's shared endpoints sign with the issuer of the user's own tenant.
  if (ENTRA_SHARED.test(issuer))
    return claims.iss === `https://login.microsoftonline.com/${String(claims['tid'])}/v2.0`;
  // Some providers write their issuer with a slash at the end in one place and without it in another.
  const href = (value: string): string => (URL.canParse(value) ? new URL(value).href : value);
  return typeof claims.iss === 'string' && href(claims.iss) === href(issuer);
}

/**
 * Why an ID token may not be stored here, or null. It has come from the token endpoint over TLS, so its claims decide
 * and its signature need not be checked (OpenID Connect Core 1.0 §3.1.3.7, 6). `notExpiredAt`, in epoch milliseconds, is
 * given for one that was just issued. `previous` is the ID token stored so
 * far: after a refresh or a new log-in `sub` and `iss` must be the same (§12.2).
 */
export function idTokenFault(
  idToken: string,
  expected: { issuer?: string | undefined; clientId: string; notExpiredAt?: number },
  previous: string | null,
): string | null {
  const claims = claimsOf(idToken);
  if (!claims) return 'is not a JSON Web Token';
  if (typeof claims.sub !== 'string' || claims.sub === '') return 'has no subject';
  if (expected.issuer !== undefined && !sameIssuer(claims, expected.issuer))
    return 'was issued by another issuer';
  if (![claims.aud].flat().includes(expected.clientId)) return 'was issued to another client';
  if (
    expected.notExpiredAt !== undefined &&
    !((claims.exp ?? Number.NaN) + CLOCK_TOLERANCE_SECONDS > expected.notExpiredAt / 1000)
  )
    return 'has expired';
  const before = previous === null ? null : claimsOf(previous);
  if (before && (before.sub !== claims.sub || before.iss !== claims.iss)) return OF_ANOTHER_USER;
  return null;
}
