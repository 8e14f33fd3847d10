import { createDecipheriv } from 'node:crypto';

/** XChaCha20-Poly1305 as in draft-irtf-cfrg-xchacha-03; Node has ChaCha20-Poly1305 (RFC 8439) only. */
export const XCHACHA_NONCE_BYTES = 24;
export const POLY1305_TAG_BYTES = 16;

/** "expand 32-byte k", little-endian (RFC 8439 §2.3). */
const CONSTANTS = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];
/** Four columns, then four diagonals (RFC 8439 §2.3). */
const QUARTERS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** RFC 8439 §2.1. */
function quarterRound(state: Uint32Array, [a, b, c, d]: readonly [number, number, number, number]): void {
  state[a]! += state[b]!;
  state[d] = rotate(state[d]! ^ state[a]!, 16);
  state[c]! += state[d];
  state[b] = rotate(state[b]! ^ state[c]!, 12);
  state[a]! += state[b];
  state[d] = rotate(state[d] ^ state[a]!, 8);
  state[c]! += state[d];
  state[b] = rotate(state[b] ^ state[c]!, 7);
}

/** The subkey for 32 bytes of key and the first 16 of the nonce (draft §2.2). */
export function hchacha20(key: Buffer, nonce: Buffer): Buffer {
  const words = (bytes: Buffer, count: number): number[] =>
    Array.from({ length: count }, (_, index) => bytes.readUInt32LE(index * 4));
  const state = Uint32Array.from([...CONSTANTS, ...words(key, 8), ...words(nonce, 4)]);
  for (let round = 0; round < 10; round++) for (const quarter of QUARTERS) quarterRound(state, quarter);
  const subkey = Buffer.alloc(32);
  [...state.subarray(0, 4), ...state.subarray(12)].forEach((word, index) =>
    subkey.writeUInt32LE(word, index * 4),
  );
  return subkey;
}

/** Opens `ciphertext ‖ tag`. Null when the tag does not fit. */
export function xchachaOpen(
  key: Buffer,
  nonce: Buffer,
  sealed: Buffer,
  associatedData: Buffer = Buffer.alloc(0),
): Buffer | null {
  const end = sealed.length - POLY1305_TAG_BYTES;
  const iv = Buffer.concat([Buffer.alloc(4), nonce.subarray(16, XCHACHA_NONCE_BYTES)]);
  const decipher = createDecipheriv('chacha20-poly1305', hchacha20(key, nonce), iv, {
    authTagLength: POLY1305_TAG_BYTES,
  });
  decipher.setAAD(associatedData, { plaintextLength: end });
  decipher.setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    return null;
  }
}
