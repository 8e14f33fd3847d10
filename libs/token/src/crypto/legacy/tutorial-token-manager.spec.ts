import * as crypto from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { tutorialTokenManager } from './tutorial-token-manager.js';

const token = '1//0gExampleRefreshToken';
const password = 'correct horse battery staple';

/** Made once with `crypto.createCipher` of Node.js 20.20.2, which Node.js 22 has no more. The iv is what such stores keep: random, and unused. */
const made = [
  {
    algorithm: 'aes-256-gcm',
    password,
    encrypted: 'd192890dc2511433e24306069c693034c897606bd7425d5f',
    authTag: 'e43b98740af7a8416775b70ac98be84b',
  },
  {
    algorithm: 'aes-128-gcm',
    password,
    encrypted: 'c73f4b4fb9dae96504b50e661679d12ab5787467f9465cb6',
    authTag: '76b5000e6330d1f444c9ecca9757a296',
  },
  {
    algorithm: 'aes-256-gcm',
    password: 'pässwörd ✓',
    encrypted: '1dedad0e0bfe85f2e5f7c74d702188eb821d807735e35d24',
    authTag: '7f2c8896a5e69b3c22a9aeb1848f18fd',
  },
] as const;
const iv = '6f1d4c6be1a94cb0a7c03a5f5b1d2e3f';
const [first] = made;
const row = { encrypted: first.encrypted, iv, authTag: first.authTag };

/** There until Node.js 21, and not in the types any more. */
const { createCipher } = crypto as unknown as {
  createCipher?: (algorithm: string, password: string) => crypto.CipherGCM;
};

const reasonOf = (stored: unknown, wrong = password): unknown => {
  try {
    return tutorialTokenManager({ password: wrong }).decrypt(stored);
  } catch (error) {
    return (error as { reason?: unknown }).reason ?? error;
  }
};

describe("the tutorial TokenManager's rows", () => {
  it.each(made)('open with $algorithm and the password "$password"', (example) => {
    const cipher = tutorialTokenManager(example);
    expect(cipher.decrypt({ encrypted: example.encrypted, iv, authTag: example.authTag })).toBe(token);
  });

  it('open as JSON text, in a text column or a binary one, and with a password of bytes', () => {
    const cipher = tutorialTokenManager({ password: Buffer.from(password) });
    expect(cipher.decrypt(JSON.stringify(row))).toBe(token);
    expect(cipher.decrypt(Buffer.from(JSON.stringify(row)))).toBe(token);
  });

  it('open whatever the stored iv says, since it was never used', () => {
    expect(reasonOf({ ...row, iv: '00'.repeat(16) })).toBe(token);
  });

  it.runIf(createCipher)('open as the real createCipher writes them, at any length', () => {
    for (const text of ['a', 'x'.repeat(31), 'é✓'.repeat(2000)]) {
      const cipher = createCipher!('aes-256-gcm', password);
      const encrypted = cipher.update(text, 'utf8', 'hex') + cipher.final('hex');
      expect(reasonOf({ encrypted, iv, authTag: cipher.getAuthTag().toString('hex') })).toBe(text);
    }
  });

  it('do not open with another password, nor once a bit has changed', () => {
    expect(reasonOf(row, `${password} `)).toBe('AUTH_FAILED');
    expect(reasonOf({ ...row, encrypted: `0${row.encrypted.slice(1)}` })).toBe('AUTH_FAILED');
    expect(reasonOf({ ...row, authTag: `0${row.authTag.slice(1)}` })).toBe('AUTH_FAILED');
  });

  it.each([
    ['nothing', null],
    ['a number', 5],
    ['text that is not JSON', token],
    ['JSON that is no object', '"text"'],
    ['a part that is missing', { encrypted: row.encrypted, iv }],
    ['a part that is not hex', { ...row, encrypted: 'zz' }],
    ['half a byte', { ...row, encrypted: row.encrypted.slice(1) }],
    ['a tag of four bytes', { ...row, authTag: row.authTag.slice(0, 8) }],
  ])('with %s are called malformed, and the error repeats nothing of them', (_name, stored) => {
    expect(reasonOf(stored)).toBe('MALFORMED');
    let message = '';
    try {
      tutorialTokenManager({ password }).decrypt(stored);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).not.toBe('');
    for (const secret of [token, row.encrypted, row.authTag, password]) expect(message).not.toContain(secret);
  });

  it('need a password and a known algorithm', () => {
    expect(() => tutorialTokenManager({ password: '' })).toThrow(/password: must be a non-empty string/);
    expect(() => tutorialTokenManager({ password: undefined as never })).toThrow(/environment variable/);
    expect(() => tutorialTokenManager({ password, algorithm: 'aes-256-cbc' as never })).toThrow(
      /algorithm: must be one of aes-128-gcm/,
    );
  });
});
