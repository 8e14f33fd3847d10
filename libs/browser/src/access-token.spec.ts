import { describe, expect, it } from 'vitest';
import { FakePage } from '../../../test/support/fake-page.js';
import { isFresh, isUsable, parseAccessToken } from './access-token.js';

const page = new FakePage();
const answer = { access_token: 'abc', token_type: 'Bearer', expires_in: 600 };

describe('a token from the backend', () => {
  it.each([
    ['no token', { access_token: undefined }],
    ['an empty token', { access_token: '' }],
    ['a token that would add a header', { access_token: 'abc\r\nx: y' }],
    ['a token with a blank', { access_token: 'a b' }],
    ['a token that is bound to a key which the page does not have', { token_type: 'DPoP' }],
    ['no type', { token_type: undefined }],
    ['a life that is no number', { expires_in: '600' }],
    ['a life before its birth', { expires_in: -1 }],
    ['a life that is not a number', { expires_in: NaN }],
  ])('is refused with %s', (_what, fault) => {
    expect(() => parseAccessToken({ ...answer, ...fault }, page.now())).toThrowError(
      expect.objectContaining({ code: 'ANSWER_INVALID' }),
    );
  });

  it('is never quoted in the error', () => {
    expect(() => parseAccessToken({ ...answer, access_token: 'sec ret' }, page.now())).toThrowError(
      /^(?!.*sec)/,
    );
  });

  it.each([
    [600, 589, true, true],
    [600, 591, false, true],
    [600, 600, false, false],
    // The backend has one that lives for half a minute only.
    [8, 3, true, true],
    [8, 5, false, true],
    [0, 0, false, false],
    [null, 1e9, true, true],
  ])('with %s s to live is after %s s fresh: %s, usable: %s', (expiresIn, seconds, fresh, usable) => {
    const clock = new FakePage();
    const token = parseAccessToken({ ...answer, expires_in: expiresIn }, clock.now());
    clock.pass(seconds);
    expect([isFresh(token, clock.now()), isUsable(token, clock.now())]).toEqual([fresh, usable]);
  });
});
