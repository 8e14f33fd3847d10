import { createSecretKey } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gcmOpen, gcmSeal } from './aes-gcm.js';

interface WycheproofGroup {
  ivSize: number;
  tagSize: number;
  tests: {
    tcId: number;
    key: string;
    iv: string;
    aad: string;
    msg: string;
    ct: string;
    tag: string;
    result: 'valid' | 'invalid' | 'acceptable';
  }[];
}

// Project Wycheproof's vectors lie beside the repository; without them `npm test` says what it skipped.
const file = new URL('../../../../../shared/vectors/aes_gcm_test.json', import.meta.url);
const vectors = existsSync(file)
  ? (JSON.parse(readFileSync(file, 'utf8')) as { testGroups: WycheproofGroup[] }).testGroups
  : [];
const groups = vectors.filter((group) => group.ivSize === 96 && group.tagSize === 128);
const cases = groups.flatMap((group) => group.tests);
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe('AES-GCM', () => {
  it.skipIf(vectors.length === 0)('agrees with all 197 Wycheproof vectors with a 96-bit IV', () => {
    expect(cases).toHaveLength(197);
    for (const test of cases) {
      const key = createSecretKey(hex(test.key));
      const opened = gcmOpen(key, hex(test.iv), hex(test.aad), hex(test.tag), hex(test.ct));
      expect(opened?.toString('hex') ?? null, `vector ${test.tcId}`).toBe(
        test.result === 'valid' ? test.msg : null,
      );
      if (test.result !== 'valid') continue;
      const sealed = gcmSeal(key, hex(test.iv), hex(test.aad), hex(test.msg));
      expect(sealed.ciphertext.toString('hex') + sealed.tag.toString('hex'), `vector ${test.tcId}`).toBe(
        test.ct + test.tag,
      );
    }
  });

  it('refuses keys of any other length than AES has', () => {
    expect(() =>
      gcmSeal(createSecretKey(Buffer.alloc(31, 1)), Buffer.alloc(12), Buffer.alloc(0), Buffer.alloc(1)),
    ).toThrow(/16, 24 or 32/);
  });

  it('refuses a shortened tag', () => {
    const key = createSecretKey(Buffer.alloc(32, 7));
    const { tag, ciphertext } = gcmSeal(key, Buffer.alloc(12), Buffer.alloc(0), Buffer.from('secret'));
    expect(() => gcmOpen(key, Buffer.alloc(12), Buffer.alloc(0), tag.subarray(0, 4), ciphertext)).toThrow();
  });
});
