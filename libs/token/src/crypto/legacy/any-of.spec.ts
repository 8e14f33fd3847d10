import { describe, expect, it } from 'vitest';
import { anyOf } from './any-of.js';
import { type LegacyCipher, LegacyCipherError, type LegacyFault } from './legacy-cipher.js';

const opens = (text: string): LegacyCipher => ({ decrypt: () => text });
const fails = (reason: LegacyFault): LegacyCipher => ({
  decrypt() {
    throw new LegacyCipherError(reason);
  },
});
const breaks: LegacyCipher = {
  decrypt() {
    throw new TypeError('a fault in the code');
  },
};

describe('several ciphers', () => {
  it('open with the first one that does', () => {
    expect(anyOf(opens('a'), opens('b')).decrypt('x')).toBe('a');
    expect(anyOf(fails('AUTH_FAILED'), fails('MALFORMED'), opens('c')).decrypt('x')).toBe('c');
  });

  it('fail as the last one does', () => {
    expect(() => anyOf(fails('MALFORMED'), fails('AUTH_FAILED')).decrypt('x')).toThrow(/password or key/);
  });

  it('hide no fault of the code', () => {
    expect(() => anyOf(breaks, opens('b')).decrypt('x')).toThrow(TypeError);
  });
});
