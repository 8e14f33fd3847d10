import { TokenInputError } from '../common/errors.js';

/** A token response as it comes from the wire (RFC 6749 §5.1, OpenID Connect Core 1.0 §3.1.3.3). */
export interface TokenResponse {
  access_token: string;
  /** Default: `Bearer`. */
  token_type?: string;
  /** Seconds. Where it is missing or odd, the access token's own `exp`, then the last known lifetime, then the provider's default count. */
  expires_in?: number | string | null;
  refresh_token?: string | null;
  id_token?: string | null;
  /** Separated by spaces. Missing: what was asked for (RFC 6749 §5.1). */
  scope?: string | null;
}

/** A token response whose shape has been checked; absent parts are null. */
export interface ReceivedTokens {
  accessToken: string;
  refreshToken: string | null;
  idToken: string | null;
  tokenType: string;
  scope: string | null;
  /** As received. */
  expiresIn: unknown;
}

export const MAX_TOKEN_BYTES = 32_768;
const MAX_SCOPE_CHARACTERS = 4096;
/** VSCHAR (RFC 6749 appendix A) without spaces at the ends: nothing that could end a header or a line. */
const TOKEN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
const SCOPE = /^[\x20-\x7e]*$/;
/** RFC 6750, RFC 9449. */
const TYPES = ['Bearer', 'DPoP'];
const TOKEN_TYPE = /^[\x21-\x7e]{1,32}$/;

function token(name: string, value: unknown): string {
  if (typeof value !== 'string')
    throw new TokenInputError(
      name,
      `must be a string, it is ${value === null ? 'null' : typeof value}`,
      'TOKEN_MALFORMED',
    );
  if (value === '') throw new TokenInputError(name, 'must not be empty', 'TOKEN_MALFORMED');
  if (value.length > MAX_TOKEN_BYTES) {
    throw new TokenInputError(
      name,
      `must be at most ${MAX_TOKEN_BYTES} characters, it has ${value.length}`,
      'TOKEN_TOO_LARGE',
    );
  }
  if (!TOKEN.test(value))
    throw new TokenInputError(
      name,
      'must consist of visible ASCII characters only (RFC 6749 appendix A)',
      'TOKEN_MALFORMED',
    );
  return value;
}

/** Some providers answer `""` or `null` where they mean "none". */
const optionalToken = (name: string, value: unknown): string | null =>
  value === undefined || value === null || value === '' ? null : token(name, value);

function scopeOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  // Some providers send a list.
  if (Array.isArray(value))
    return scopeOf(value.every((part) => typeof part === 'string') ? value.join(' ') : 0);
  if (typeof value !== 'string' || !SCOPE.test(value) || value.length > MAX_SCOPE_CHARACTERS) {
    throw new TokenInputError(
      'scope',
      `must be a string of visible ASCII characters separated by spaces, at most ${MAX_SCOPE_CHARACTERS}`,
    );
  }
  return value.trim() === '' ? null : value.trim().split(/ +/).join(' ');
}

function typeOf(value: unknown): string {
  if (value === undefined || value === null || value === '') return 'Bearer';
  if (typeof value !== 'string' || !TOKEN_TYPE.test(value))
    throw new TokenInputError('token_type', 'must be a short name such as "Bearer"');
  // Case does not matter (RFC 6749 §5.1), and some client libraries make it all lower.
  return TYPES.find((type) => type.toLowerCase() === value.toLowerCase()) ?? value;
}

/** Only the refresh token, for an answer whose other parts cannot be used: what the provider has rotated must not be lost. */
export function refreshTokenOf(response: Record<string, unknown>): string | null {
  try {
    return optionalToken('refresh_token', response['refresh_token']);
  } catch {
    return null;
  }
}

/** Checks the shape of a token response. @throws TokenInputError naming the field; the value is never repeated. */
export function parseTokenResponse(response: unknown): ReceivedTokens {
  if (typeof response !== 'object' || response === null)
    throw new TokenInputError('tokens', 'must be a token response object (RFC 6749 section 5.1)');
  const wire = response as Record<string, unknown>;
  return {
    accessToken: token('access_token', wire['access_token']),
    refreshToken: optionalToken('refresh_token', wire['refresh_token']),
    idToken: optionalToken('id_token', wire['id_token']),
    tokenType: typeOf(wire['token_type']),
    scope: scopeOf(wire['scope']),
    expiresIn: wire['expires_in'],
  };
}
