import { describe, expect, it } from 'vitest';
import { hchacha20, xchachaOpen } from './xchacha20.js';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** draft-irtf-cfrg-xchacha-03, appendix A.3.1. */
const vector = {
  key: hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
  nonce: hex('404142434445464748494a4b4c4d4e4f5051525354555657'),
  associatedData: hex('50515253c0c1c2c3c4c5c6c7'),
  plaintext:
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  sealed: hex(
    'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39' +
      'ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9' +
      '21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49',
  ),
};

describe('XChaCha20-Poly1305', () => {
  it('derives the subkey of the draft (§2.2.1)', () => {
    const key = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
    const subkey = hchacha20(key, hex('000000090000004a0000000031415927'));
    expect(subkey.toString('hex')).toBe('82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc');
  });

  it('opens the sealed message of the draft (appendix A.3.1)', () => {
    const { key, nonce, sealed, associatedData, plaintext } = vector;
    expect(xchachaOpen(key, nonce, sealed, associatedData)?.toString()).toBe(plaintext);
  });

  it('opens nothing once a bit of message, nonce, key or associated data is another', () => {
    const names = ['key', 'nonce', 'sealed', 'associatedData'] as const;
    for (const name of names)
      for (const byte of [0, vector[name].length - 1]) {
        const changed = { ...vector, [name]: Buffer.from(vector[name]) };
        changed[name][byte]! ^= 1;
        const { key, nonce, sealed, associatedData } = changed;
        expect(xchachaOpen(key, nonce, sealed, associatedData), `${name} ${byte}`).toBeNull();
      }
  });
});
