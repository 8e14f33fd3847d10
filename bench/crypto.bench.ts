import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { encodeContext } from '../libs/token/src/crypto/context.js';
import { openRecord, sealRecord } from '../libs/token/src/crypto/record.js';
import type { Suite } from './suite.js';

const PLAINTEXT_BYTES = 1536;

/** What sealing and opening one token costs beyond the cipher itself: key derivation, commitment, context. */
export async function cryptoSuites(): Promise<Suite[]> {
  const key = createSecretKey(randomBytes(32));
  const dataKey = { id: randomBytes(16), key };
  const plaintext = randomBytes(PLAINTEXT_BYTES);
  const context = encodeContext(['token', 'acme', '018f3b7e-5c1d-7a2b-9c3d-aabbccddeeff', 'access_token']);
  const record = sealRecord(dataKey, context, plaintext);
  const bare = bareSeal(key, context, plaintext);
  return [
    {
      id: 'P9 seal',
      what: 'seal 1.5 KB (operations/s)',
      target: 0.4,
      callers: 1,
      ours: { name: 'TM1 record', run: () => sealRecord(dataKey, context, plaintext) },
      against: { name: 'bare AES-256-GCM', run: () => bareSeal(key, context, plaintext) },
    },
    {
      id: 'P9 open',
      what: 'open 1.5 KB (operations/s)',
      target: 0.4,
      callers: 1,
      ours: { name: 'TM1 record', run: () => openRecord(dataKey, context, record) },
      against: { name: 'bare AES-256-GCM', run: () => bareOpen(key, context, bare) },
    },
  ];
}

type Key = ReturnType<typeof createSecretKey>;

export function bareSeal(key: Key, associatedData: Buffer, plaintext: Buffer): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
  cipher.setAAD(associatedData);
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), ciphertext]);
}

export function bareOpen(key: Key, associatedData: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(sealed.subarray(12, 28));
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
}
