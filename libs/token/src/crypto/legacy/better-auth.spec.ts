import { describe, expect, it } from 'vitest';
import { betterAuth, type BetterAuthOptions } from './better-auth.js';

const token = '1//0gExampleRefreshToken';
const secret = 'better-auth-secret-of-a-test-0123456789';

/** Made once with `symmetricEncrypt` of better-auth 1.7.25. */
const bare =
  '5cc0b326c7cb777af03b8e60258b29bd0e40fbce39bba8083a1c242b6bbb8aa7e151599a1cf37e8ffab108e29530cab65dcc0d980afb31bcd286c02319275155';
const versioned =
  '$ba$2$835212572a0e977c777b27da5e8d9c6203fdcc779981d39e4ddaad72a84566a38f5e55d0e8fef96f863b65702db2dd32d53aca34023638719c7e148b17c81ce5';

const reasonOf = (stored: unknown, options: BetterAuthOptions = { secret }): unknown => {
  try {
    return betterAuth(options).decrypt(stored);
  } catch (error) {
    return (error as { reason?: unknown }).reason ?? error;
  }
};

describe("better-auth's account tokens", () => {
  it('open with the secret', () => {
    expect(reasonOf(bare)).toBe(token);
    expect(reasonOf(bare.toUpperCase())).toBe(token);
  });

  it('open with the secret of their version, beside those without one', () => {
    const secrets = { 1: 'an older one', 2: `${secret}-2` };
    expect(reasonOf(versioned, { secrets })).toBe(token);
    expect(reasonOf(bare, { secret, secrets })).toBe(token);
  });

  it('of a version whose secret was not given say so', () => {
    expect(reasonOf(versioned, { secret })).toBe('KEY_UNKNOWN');
    expect(reasonOf(bare, { secrets: { 2: secret } })).toBe('KEY_UNKNOWN');
  });

  it('do not open with another secret, nor with any byte changed', () => {
    expect(reasonOf(bare, { secret: `${secret}0` })).toBe('AUTH_FAILED');
    for (let at = 0; at < bare.length; at += 2) {
      const changed = (Number.parseInt(bare.slice(at, at + 2), 16) ^ 1).toString(16).padStart(2, '0');
      expect(reasonOf(bare.slice(0, at) + changed + bare.slice(at + 2)), `byte ${at / 2}`).toBe(
        'AUTH_FAILED',
      );
    }
  });

  it('of before encryption was switched on are taken only where that is asked for', () => {
    expect(reasonOf(token)).toBe('MALFORMED');
    expect(reasonOf(token, { secret, acceptPlainText: true })).toBe(token);
    expect(reasonOf(bare, { secret, acceptPlainText: true })).toBe(token);
    expect(reasonOf(versioned, { secret, acceptPlainText: true })).toBe('KEY_UNKNOWN');
  });

  it.each([null, 5, '', 'abc', bare.slice(0, 78), '$ba$2$zz', {}])(
    'that are no such thing are called malformed (%#)',
    (stored) => {
      expect(reasonOf(stored)).toBe('MALFORMED');
    },
  );

  it('need a secret', () => {
    expect(() => betterAuth({})).toThrow(/secret: must be a non-empty string/);
    expect(() => betterAuth({ secret: '' })).toThrow(/secret: must be a non-empty string/);
    expect(() => betterAuth({ secrets: { 3: '' } })).toThrow(/secrets\.3/);
  });
});
