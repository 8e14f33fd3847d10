import { describe, expect, it } from 'vitest';
import { lifetimeSeconds } from './lifetime.js';

const jwt = (claims: object): string =>
  `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;

describe('the lifetime of an access token', () => {
  it.each([
    [3600, 3600],
    ['3600', 3600],
    [' 3600 ', 3600],
    [59.9, 59],
    [1, 1],
  ])('is expires_in %j', (expiresIn, seconds) => {
    expect(lifetimeSeconds({ expiresIn, accessToken: 'opaque' }, null, null)).toBe(seconds);
  });

  const odd = [
    undefined,
    null,
    0,
    -5,
    Number.NaN,
    Infinity,
    -Infinity,
    1e18,
    0.2,
    '',
    'soon',
    '1e3',
    '-1',
    '0x10',
    {},
    [],
    true,
  ];

  it.each(odd)(
    'falls back when expires_in is %s: to the token itself, the last lifetime, the default, no expiry',
    (expiresIn) => {
      expect(lifetimeSeconds({ expiresIn, accessToken: jwt({ iat: 1000, exp: 1600 }) }, 100, 200)).toBe(600);
      expect(lifetimeSeconds({ expiresIn, accessToken: jwt({ exp: 1600 }) }, 100, 200)).toBe(100);
      expect(lifetimeSeconds({ expiresIn, accessToken: jwt({ iat: 5, exp: 5 }) }, 100, 200)).toBe(100);
      expect(lifetimeSeconds({ expiresIn, accessToken: 'a.b.c' }, null, 200)).toBe(200);
      expect(lifetimeSeconds({ expiresIn, accessToken: 'opaque' }, null, null)).toBeNull();
    },
  );
});
