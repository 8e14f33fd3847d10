import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { typeormEncrypted, type TypeormEncryptedOptions } from './typeorm-encrypted.js';

const token = '1//0gExampleRefreshToken';
const key = 'e41c966f21f9e1577802463f8924e6a3fe3e9751f201304213b2f845d8841d61';

/** Made once with the transformers of typeorm-encrypted 0.8.0; the first is from that package's own test. */
const made: [stored: unknown, clear: string, options: Omit<TypeormEncryptedOptions, 'key'>][] = [
  ['/1rBkZBCSx2I+UGe+UmuVhKzmHsDDv0EvRtMBFiaE3A=', 'test', { algorithm: 'aes-256-cbc', ivLength: 16 }],
  ['y6U/6ZrCT0MR0xBl9SV64vs1sfiRfmP6oDuG1ey5xkd+A8paEDIjrb3utdKHTYjq', token, {}],
  [
    '/1rBkZBCSx2I+UGe+UmuVj7C8FMZUb4+kBZ3T4LxK1EZhBOibI2jtY/8xrxp/01c',
    token,
    { iv: 'ff5ac19190424b1d88f9419ef949ae56' },
  ],
  [
    'IzOxm639pppcnNJnwPjnqpXOG970OKmupsveKrxL6C2eTftfBGgGt8ntRvfi79m5uKQ0NIYlXiU=',
    token,
    { algorithm: 'aes-256-gcm', ivLength: 16 },
  ],
  [
    'IAX/aaVrlkhoOlzmC+F31krM24EyaabZkUtmCso29odRygyPei4s9I6M0rB+i66GdHRyag==',
    token,
    { algorithm: 'aes-256-gcm', ivLength: 12 },
  ],
  [
    {
      encrypted:
        'sy+LYfcSqO+iqkyqm7YOoVwFgop+kT7wUtY8v+B3vKvoV24PWgwRCBM+pKHrJZpfOQmqVAZMIPNY8inFi7g5jGH/FO3Glw==',
    },
    JSON.stringify({ refresh: token }),
    { algorithm: 'aes-256-gcm', ivLength: 16 },
  ],
];
const gcm = made[3]![0] as string;

const reasonOf = (stored: unknown, options: Partial<TypeormEncryptedOptions> = {}): unknown => {
  try {
    return typeormEncrypted({ key, algorithm: 'aes-256-gcm', ...options }).decrypt(stored);
  } catch (error) {
    return (error as { reason?: unknown }).reason ?? error;
  }
};

describe("typeorm-encrypted's columns", () => {
  it.each(made)('open as that package has written them (%#)', (stored, clear, options) => {
    expect(typeormEncrypted({ key, ...options }).decrypt(stored)).toBe(clear);
  });

  it('with GCM do not open with another key, nor with any byte changed', () => {
    expect(reasonOf(gcm, { key: randomBytes(32).toString('hex') })).toBe('AUTH_FAILED');
    const bytes = Buffer.from(gcm, 'base64');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(reasonOf(changed.toString('base64')), `byte ${at}`).toBe('AUTH_FAILED');
    }
  });

  it('with CBC do not open to a token with another key', () => {
    for (let attempt = 0; attempt < 300; attempt++) {
      const other = { key: randomBytes(32).toString('hex'), algorithm: 'aes-256-cbc' };
      expect(reasonOf(made[1]![0], other)).not.toBe(token);
    }
    const cut = (made[1]![0] as string).slice(0, 40);
    expect(reasonOf(cut, { algorithm: 'aes-256-cbc' })).toBe('AUTH_FAILED');
  });

  it.each([null, 5, '', 'not base64!', gcm.slice(0, 40), {}])(
    'that are no such thing are called malformed (%#)',
    (stored) => {
      expect(reasonOf(stored)).toBe('MALFORMED');
    },
  );

  it.each([
    [{ key: '' }, /key: must be a non-empty string/],
    [{ key: key.slice(2) }, /key: must be 32 bytes, in hex/],
    [{ key, algorithm: 'aes-128-gcm' }, /key: must be 16 bytes/],
    [{ key, algorithm: 'des-ede3-cbc' }, /algorithm: must be aes-128/],
    [{ key, ivLength: 12 }, /ivLength: must be 16 for cbc/],
    [{ key, algorithm: 'aes-256-gcm', ivLength: 0 }, /ivLength: must be 16 for cbc, 1 to 64 for gcm/],
  ])('need the options of that package (%#)', (options, expected) => {
    expect(() => typeormEncrypted(options)).toThrow(expected);
  });
});
