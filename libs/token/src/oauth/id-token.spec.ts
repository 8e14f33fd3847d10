import { UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { idTokenFault } from './id-token.js';

const expected = { issuer: 'https://id.example.com', clientId: 'app' };
const idToken = (claims: Record<string, unknown> = {}): string =>
  new UnsecuredJWT({ iss: expected.issuer, aud: 'app', sub: 'ada', ...claims }).encode();

describe('an ID token', () => {
  it('of the right issuer, client and user is accepted', () => {
    expect(idTokenFault(idToken(), expected, null)).toBeNull();
    expect(idTokenFault(idToken({ aud: ['other', 'app'] }), expected, idToken({ iat: 5 }))).toBeNull();
  });

  it.each([
    ['another issuer', { iss: 'https://evil.example.com' }, /another issuer/],
    ['an issuer with another path', { iss: 'https://id.example.com/other' }, /another issuer/],
    ['no issuer', { iss: undefined }, /another issuer/],
    ['another client', { aud: 'other' }, /another client/],
    ['no audience', { aud: undefined }, /another client/],
    ['no subject', { sub: undefined }, /no subject/],
    ['a number as subject', { sub: 7 }, /no subject/],
    ['another user', { sub: 'mallory' }, /another user/],
  ])('with %s is refused', (_name, claims, fault) => {
    expect(idTokenFault(idToken(claims), expected, idToken())).toMatch(fault);
  });

  it('of an issuer that writes itself with a slash at the end is accepted', () => {
    expect(idTokenFault(idToken({ iss: 'https://id.example.com/' }), expected, null)).toBeNull();
  });

  it('that is no JSON Web Token is refused', () => {
    expect(idTokenFault('opaque', expected, null)).toMatch(/not a JSON Web Token/);
  });

  it("of a tenant behind Microsoft's shared endpoint is accepted for that tenant only", () => {
    const shared = { issuer: 'https://login.microsoftonline.com/common/v2.0', clientId: 'app' };
    const iss = 'https://login.microsoftonline.com/5f2c/v2.0';
    expect(idTokenFault(idToken({ iss, tid: '5f2c' }), shared, null)).toBeNull();
    expect(idTokenFault(idToken({ iss, tid: '0000' }), shared, null)).toMatch(/another issuer/);
  });
});
