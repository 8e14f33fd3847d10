import { describe, expect, it } from 'vitest';
import { IssuedAccessToken } from './tokens.js';

const tokenUntil = (expiresAt: number | null): IssuedAccessToken =>
  new IssuedAccessToken(
    'value',
    { expiresAt: expiresAt === null ? null : new Date(expiresAt), tokenType: 'Bearer', scope: null },
    1,
  );

describe('An access token', () => {
  it('has as long to live as when it was read, less the time that it was kept', () => {
    const token = tokenUntil(1_700_000_300_000);
    IssuedAccessToken.readAt(token, 1_700_000_000_000, 5_000);
    expect(IssuedAccessToken.millisecondsLeft(token, 5_000)).toBe(300_000);
    expect(IssuedAccessToken.millisecondsLeft(token, 65_000)).toBe(240_000);
    expect(IssuedAccessToken.millisecondsLeft(token, 905_000)).toBe(-600_000);
  });

  it('has a time to live only where it expires, and was read', () => {
    const endless = tokenUntil(null);
    IssuedAccessToken.readAt(endless, 0, 0);
    expect(IssuedAccessToken.millisecondsLeft(endless, 0)).toBeNull();
    expect(IssuedAccessToken.millisecondsLeft(tokenUntil(1_000), 0)).toBeNull();
  });
});
