import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeContext } from './context.js';
import { toKeyObject } from './key-material.js';
import { randomBytes } from './random.js';
import { unwrapKey, wrapKey, wrappingKeyId } from './wrapped-key.js';

const kek = { id: Buffer.from('2024-key\0\0\0\0\0\0\0\0'), key: createSecretKey(Buffer.alloc(32, 5)) };
const context = encodeContext(['dek', 'id', 'tenant', 'token']);
const dataKey = Buffer.alloc(32, 9);
const blob = wrapKey(kek, context, dataKey);

describe('wrapped data keys', () => {
  it('have the documented shape', () => {
    expect(blob).toHaveLength(80);
    expect(blob.subarray(0, 4).toString('hex')).toBe('fb100100');
    expect(wrappingKeyId(blob)).toEqual(kek.id);
  });

  it('come back', () => {
    expect(unwrapKey(kek, context, blob)).toEqual(dataKey);
  });

  it('are refused with any bit flipped, any byte missing, another context or another key', () => {
    for (let bit = 0; bit < blob.length * 8; bit++) {
      const flipped = Buffer.from(blob);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(unwrapKey(kek, context, flipped), `bit ${bit}`).toBeNull();
    }
    for (let length = 0; length < blob.length; length++)
      expect(unwrapKey(kek, context, blob.subarray(0, length))).toBeNull();
    expect(unwrapKey(kek, encodeContext(['dek', 'id', 'other', 'token']), blob)).toBeNull();
    expect(unwrapKey({ ...kek, key: createSecretKey(Buffer.alloc(32, 6)) }, context, blob)).toBeNull();
  });
});

describe('key material', () => {
  it('is erased once it is a key object', () => {
    const bytes = Buffer.alloc(32, 3);
    toKeyObject(bytes);
    expect(bytes).toEqual(Buffer.alloc(32));
  });
});

describe('pooled randomness', () => {
  it('hands out bytes that do not change and do not repeat', () => {
    const taken = Array.from({ length: 2000 }, () => randomBytes(24));
    const before = taken.map((bytes) => bytes.toString('hex'));
    for (let i = 0; i < 2000; i++) randomBytes(24);
    expect(taken.map((bytes) => bytes.toString('hex'))).toEqual(before);
    expect(new Set(before).size).toBe(2000);
  });
});
