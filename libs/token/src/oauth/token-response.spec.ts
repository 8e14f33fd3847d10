import { describe, expect, it } from 'vitest';
import { TokenInputError } from '../common/errors.js';
import { parseTokenResponse } from './token-response.js';

describe('a token response', () => {
  it('needs nothing but an access token', () => {
    expect(parseTokenResponse({ access_token: 'a' })).toEqual({
      accessToken: 'a',
      refreshToken: null,
      idToken: null,
      tokenType: 'Bearer',
      scope: null,
      expiresIn: undefined,
    });
  });

  it.each(['', null, undefined])('without a refresh token may say so by %j', (refresh_token) => {
    expect(parseTokenResponse({ access_token: 'a', refresh_token }).refreshToken).toBeNull();
  });

  it('spells the token type and the scope in one way', () => {
    expect(parseTokenResponse({ access_token: 'a', token_type: 'bearer', scope: ' a  b ' })).toMatchObject({
      tokenType: 'Bearer',
      scope: 'a b',
    });
  });

  const bad: [string, unknown][] = [
    '',
    ' ',
    'a b ',
    '\ta',
    'a\r\nb',
    'a\0',
    'ä',
    '\u2028',
    5,
    {},
    [],
    true,
    'a'.repeat(32_769),
  ].map((value) => [typeof value === 'string' ? JSON.stringify(value.slice(0, 9)) : typeof value, value]);

  it.each(bad)('with the access token %s is refused', (_name, access_token) => {
    expect(() => parseTokenResponse({ access_token })).toThrow(TokenInputError);
  });

  it.each(bad.filter(([, value]) => value !== ''))(
    'with the refresh or ID token %s is refused',
    (_name, value) => {
      expect(() => parseTokenResponse({ access_token: 'a', refresh_token: value })).toThrow(/refresh_token/);
      expect(() => parseTokenResponse({ access_token: 'a', id_token: value })).toThrow(/id_token/);
    },
  );

  it('is never repeated by the error', () => {
    const secret = 'sEcReT\n';
    expect(() => parseTokenResponse({ access_token: secret })).toThrow(
      expect.not.stringContaining('sEcReT') as never,
    );
  });

  it.each([null, undefined, 'access_token=a', 5])('must be an object, not %j', (value) => {
    expect(() => parseTokenResponse(value)).toThrow(/tokens: must be a token response/);
  });
});
