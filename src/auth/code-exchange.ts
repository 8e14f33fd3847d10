import type { TokenResponse } from '@tokenward/nestjs';
import {
  authorizationCodeGrant,
  type Configuration,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';

export interface Login {
  tokens: TokenResponse;
  /** Who the provider says the user is; null where it does not say. */
  identity: { sub: string; name: string } | null;
}

interface Expected {
  state: string;
  nonce: string | undefined;
  codeVerifier: string;
}

type Tokens = Awaited<ReturnType<typeof authorizationCodeGrant>>;

/** RFC 6749 §5.2: `invalid_client`, or 401 with a challenge. */
const isWrongSecret = (error: unknown): boolean =>
  error instanceof WWWAuthenticateChallengeError ||
  (error instanceof ResponseBodyError && error.error === 'invalid_client');

/**
 * Exchanges the code of an authorization response for tokens. The clients differ in their secret only; a provider that
 * does not know one has not used up the code, so the next may try.
 */
export async function exchangeCode(
  [client, ...others]: Configuration[],
  answer: URL,
  expected: Expected,
): Promise<Login> {
  const { state, nonce, codeVerifier } = expected;
  const checks = {
    expectedState: state,
    pkceCodeVerifier: codeVerifier,
    ...(nonce !== undefined && { expectedNonce: nonce }),
  };
  try {
    return toLogin(await authorizationCodeGrant(client!, answer, checks));
  } catch (error) {
    if (isWrongSecret(error) && others.length > 0) return exchangeCode(others, answer, expected);
    throw error;
  }
}

function toLogin(tokens: Tokens): Login {
  const claims = tokens.claims();
  const names = [claims?.['name'], claims?.['preferred_username'], claims?.['email'], claims?.sub];
  const name = names.find((candidate) => typeof candidate === 'string') ?? '';
  return { tokens: { ...tokens }, identity: claims ? { sub: claims.sub, name } : null };
}
