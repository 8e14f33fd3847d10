import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeContext } from './context.js';
import { type DataKey, openRecord, RecordError, sealRecord } from './record.js';
import { keyIdText, KEY_ID_LENGTH, KEY_ID_POSITION, recordFromText, recordToText } from './record-text.js';

const bytes = (from: number, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, index) => from + index));

/** The known-answer vector of docs/encryption.md. */
const vector = {
  dataKey: {
    id: Buffer.from('0192f0c1a2b37c4d8e5f60718293a4b5', 'hex'),
    key: createSecretKey(bytes(0, 32)),
  } satisfies DataKey,
  nonce: bytes(0xa0, 24),
  parts: ['token', 'acme', '018f3b7e-5c1d-7a2b-9c3d-aabbccddeeff', 'refresh_token'],
  context:
    '00040005746f6b656e000461636d65002430313866336237652d356331642d376132622d396333642d616162626363646465656666000d726566726573685f746f6b656e',
  plaintext: '{"rt":"1//0gExampleRefreshToken"}',
  record:
    'fb0101000192f0c1a2b37c4d8e5f60718293a4b5a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7da89569d67b765d9da98d6d7bed8544122d2ab8e2fbf587483cf196edfaa4a60179c6bd7646694e5c795b8e569b9070fe0a606a0865b4f81edc92b116a8fd9becafa06b54abe13ded08abfc4486700e55c',
};
const context = encodeContext(vector.parts);
const record = Buffer.from(vector.record, 'hex');

const reasonOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof RecordError) return error.reason;
    throw error;
  }
  return 'opened';
};

describe('record format TM1', () => {
  it('encodes the context of the known-answer vector', () => {
    expect(context.toString('hex')).toBe(vector.context);
  });

  it('seals the known-answer vector byte for byte', () => {
    const sealed = sealRecord(vector.dataKey, context, Buffer.from(vector.plaintext), vector.nonce);
    expect(sealed.toString('hex')).toBe(vector.record);
  });

  it('opens the known-answer vector', () => {
    expect(openRecord(vector.dataKey, context, record).toString()).toBe(vector.plaintext);
  });

  it('never seals the same plaintext to the same bytes', () => {
    const seal = (): string => sealRecord(vector.dataKey, context, Buffer.from('x')).toString('hex');
    expect(new Set(Array.from({ length: 1000 }, seal)).size).toBe(1000);
  });

  it('seals and opens an empty plaintext', () => {
    expect(
      openRecord(vector.dataKey, context, sealRecord(vector.dataKey, context, Buffer.alloc(0))),
    ).toHaveLength(0);
  });

  it('refuses the record with any single bit flipped', () => {
    for (let bit = 0; bit < record.length * 8; bit++) {
      const flipped = Buffer.from(record);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(
        reasonOf(() => openRecord(vector.dataKey, context, flipped)),
        `bit ${bit}`,
      ).not.toBe('opened');
    }
  });

  it('refuses the record cut at any length, and with a byte appended', () => {
    for (let length = 0; length < record.length; length++) {
      expect(
        reasonOf(() => openRecord(vector.dataKey, context, record.subarray(0, length))),
        `length ${length}`,
      ).not.toBe('opened');
    }
    expect(
      reasonOf(() => openRecord(vector.dataKey, context, Buffer.concat([record, Buffer.from([0])]))),
    ).toBe('AUTH_FAILED');
  });

  it.each(vector.parts.map((_, index) => index))('refuses another context (part %i changed)', (index) => {
    for (const changed of [`${vector.parts[index]}x`, '', vector.parts[index]!.toUpperCase()]) {
      const other = encodeContext(vector.parts.with(index, changed));
      expect(reasonOf(() => openRecord(vector.dataKey, other, record))).toBe('AUTH_FAILED');
    }
  });

  it('refuses parts that are joined differently', () => {
    const moved = encodeContext(['tokena', 'cme', ...vector.parts.slice(2)]);
    expect(reasonOf(() => openRecord(vector.dataKey, moved, record))).toBe('AUTH_FAILED');
  });

  it('tells a wrong key from a changed record', () => {
    const wrongBytes = { id: vector.dataKey.id, key: createSecretKey(bytes(1, 32)) };
    expect(reasonOf(() => openRecord(wrongBytes, context, record))).toBe('KEY_MISMATCH');
    const wrongId = { id: bytes(0, 16), key: vector.dataKey.key };
    expect(reasonOf(() => openRecord(wrongId, context, record))).toBe('KEY_MISMATCH');
  });

  it.each([
    ['nothing', Buffer.alloc(0), 'EMPTY'],
    ['plain text', Buffer.from('eyJhbGciOiJSUzI1NiJ9.e30.c2ln'), 'NOT_ENCRYPTED'],
    ['a header without a body', record.subarray(0, 91), 'TRUNCATED'],
    ['the next version', Buffer.concat([Buffer.from([0xfb, 2]), record.subarray(2)]), 'UNSUPPORTED_VERSION'],
    ['another suite', Buffer.concat([Buffer.from([0xfb, 1, 2]), record.subarray(3)]), 'UNSUPPORTED_SUITE'],
    ['flags', Buffer.concat([Buffer.from([0xfb, 1, 1, 1]), record.subarray(4)]), 'RESERVED_FLAGS'],
  ])('names the reason for refusing %s', (_name, bad, reason) => {
    expect(reasonOf(() => openRecord(vector.dataKey, context, bad))).toBe(reason);
  });
});

describe('records as text', () => {
  it('come back byte for byte', () => {
    expect(recordFromText(recordToText(record))).toEqual(record);
  });

  it('carry their key id where the database looks for it', () => {
    const keyId = recordToText(record).slice(KEY_ID_POSITION - 1, KEY_ID_POSITION - 1 + KEY_ID_LENGTH);
    expect(keyId).toBe(keyIdText(vector.dataKey.id));
  });

  it.each([
    '',
    'tm1',
    'tm2.AAAA',
    'plain',
    `${recordToText(record)} `,
    `${recordToText(record)}=`,
    recordToText(record).replace('-', '+'),
  ])('refuse what this library did not write (%#)', (text) => {
    expect(reasonOf(() => recordFromText(text))).toMatch(/EMPTY|NOT_ENCRYPTED/);
  });
});
