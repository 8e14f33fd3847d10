import { createCipheriv, randomBytes, scryptSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { nango } from './nango.js';
import { plainText } from './plain-text.js';
import { type TokenManagerWithIvOptions, tokenManagerWithIv } from './token-manager-with-iv.js';

const token = '1//0gExampleRefreshToken';
const key = randomBytes(32);

/** What the tutorials do, and what Nango's `Encryption.encryptSync` does with base64 and 12 bytes. */
function sealed(withKey: Buffer, ivBytes: number, encoding: 'hex' | 'base64', text = token) {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', withKey, iv);
  const encrypted = cipher.update(text, 'utf8', encoding) + cipher.final(encoding);
  return { encrypted, iv: iv.toString(encoding), authTag: cipher.getAuthTag().toString(encoding) };
}

const reasonOf = (stored: unknown, options: TokenManagerWithIvOptions = { key }): unknown => {
  try {
    return tokenManagerWithIv(options).decrypt(stored);
  } catch (error) {
    return (error as { reason?: unknown }).reason ?? error;
  }
};

describe('rows made with createCipheriv and their own iv', () => {
  it.each([
    ['a Buffer', key],
    ['hex', key.toString('hex')],
    ['base64', key.toString('base64')],
    ['base64url', key.toString('base64url')],
  ])('open with a key in %s', (_name, given) => {
    for (const ivBytes of [16, 12]) expect(reasonOf(sealed(key, ivBytes, 'hex'), { key: given })).toBe(token);
  });

  it('open with a key that scrypt makes of a password', () => {
    const derived = scryptSync('hunter2', 'salt', 32);
    expect(reasonOf(sealed(derived, 16, 'hex'), { password: 'hunter2' })).toBe(token);
    const salted = scryptSync('hunter2', 'pepper', 32);
    expect(reasonOf(sealed(salted, 16, 'hex'), { password: 'hunter2', salt: 'pepper' })).toBe(token);
    expect(reasonOf(sealed(salted, 16, 'hex'), { password: 'hunter2' })).toBe('AUTH_FAILED');
  });

  it('open in base64 and as JSON text', () => {
    expect(reasonOf(JSON.stringify(sealed(key, 16, 'base64')), { key, encoding: 'base64' })).toBe(token);
  });

  it('do not open with another key, another iv or a changed tag', () => {
    const row = sealed(key, 16, 'hex');
    expect(reasonOf(row, { key: randomBytes(32) })).toBe('AUTH_FAILED');
    expect(reasonOf({ ...row, iv: randomBytes(16).toString('hex') })).toBe('AUTH_FAILED');
    expect(reasonOf({ ...row, authTag: randomBytes(16).toString('hex') })).toBe('AUTH_FAILED');
  });

  it('with an empty iv or a short tag are called malformed', () => {
    const row = sealed(key, 16, 'hex');
    expect(reasonOf({ ...row, iv: '' })).toBe('MALFORMED');
    expect(reasonOf({ ...row, authTag: row.authTag.slice(0, 8) })).toBe('MALFORMED');
  });

  it('that were binary before they were sealed are called no text', () => {
    const iv = randomBytes(16);
    const cipher = createCipheriv('aes-256-gcm', key, iv);
    const encrypted = Buffer.concat([cipher.update(Buffer.from([0xff, 0xfe])), cipher.final()]);
    const [part, tag] = [encrypted.toString('hex'), cipher.getAuthTag().toString('hex')];
    expect(reasonOf({ encrypted: part, iv: iv.toString('hex'), authTag: tag })).toBe('NOT_TEXT');
  });

  it.each([
    [{}, /key: must be a non-empty string/],
    [{ key: 'short' }, /key: must be 32 bytes, in hex or base64/],
    [{ key: randomBytes(16) }, /key: must be 32 bytes/],
    [{ password: '' }, /password: must be a non-empty string/],
  ])('need a key of 32 bytes or a password (%#)', (options, expected) => {
    expect(() => tokenManagerWithIv(options)).toThrow(expected);
  });
});

describe("Nango's credentials", () => {
  it('open to their JSON text with the base64 key', () => {
    const credentials = JSON.stringify({ type: 'OAUTH2', access_token: 'a', refresh_token: token });
    const stored = sealed(key, 12, 'base64', credentials);
    expect(nango({ key: key.toString('base64') }).decrypt(stored)).toBe(credentials);
  });

  it('do not open with another key, and the key must be 32 bytes of base64', () => {
    const other = nango({ key: randomBytes(32).toString('base64') });
    expect(() => other.decrypt(sealed(key, 12, 'base64'))).toThrow(/password or key is not the one/);
    expect(() => nango({ key: key.toString('hex') })).toThrow(/nango key: must be 32 bytes, in base64/);
  });
});

describe('plain text', () => {
  it('is what it is, in a text column or a binary one', () => {
    expect(plainText().decrypt(token)).toBe(token);
    expect(plainText().decrypt(Buffer.from(token))).toBe(token);
    expect(() => plainText().decrypt(7)).toThrow(/must be text, it is number/);
    expect(() => plainText().decrypt(Buffer.from([0xff]))).toThrow(/not text/);
  });
});
