import { UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { expiresInMs } from './expiry.js';

const now = Date.UTC(2026, 10, 23);
const jwt = (exp: unknown): string => new UnsecuredJWT({ exp: exp as number }).encode();

describe('the expiry of an imported access token', () => {
  it('counts from the clock of the target, also backwards', () => {
    expect(expiresInMs(new Date(now + 60_000), 'opaque', now)).toBe(60_000);
    expect(expiresInMs(new Date(now - 60_000), 'opaque', now)).toBe(-60_000);
  });

  it('is its own where the row has none and it is a JSON Web Token', () => {
    const token = jwt(now / 1000 + 90);
    expect(expiresInMs(null, token, now)).toBe(90_000);
    expect(expiresInMs(new Date(now + 5), token, now)).toBe(5);
  });

  it('is unknown where neither says', () => {
    expect(expiresInMs(null, 'opaque', now)).toBeNull();
    expect(expiresInMs(undefined, 'a.b.c', now)).toBeNull();
    for (const odd of [undefined, 'soon', 5, now * 2]) expect(expiresInMs(null, jwt(odd), now)).toBeNull();
  });

  it.each([
    [new Date(Number.NaN), /is not a valid Date/],
    [new Date(now / 1000), /before the year 2000/],
    [new Date(now * 1000), /is not a valid Date|more than ten years ahead/],
    [new Date('9999-12-31'), /more than ten years ahead; no expiry is null/],
    [now / 1000, /must be a Date or null, it is number/],
    ['2026-11-24', /must be a Date or null, it is string/],
  ])('is refused where it cannot be right (%#)', (expiresAt, expected) => {
    expect(() => expiresInMs(expiresAt, 'opaque', now)).toThrow(expected);
  });
});
