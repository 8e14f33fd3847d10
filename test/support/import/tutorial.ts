import { createCipheriv, createHash, randomBytes } from 'node:crypto';

/** What the tutorials' `encrypt` has stored with `crypto.createCipher('aes-256-gcm', password)`, on every Node.js. */
export function tutorialTriple(password: string, text: string) {
  const blocks = [Buffer.alloc(0)];
  for (let count = 0; count < 3; count++)
    blocks.push(createHash('md5').update(blocks.at(-1)!).update(password, 'utf8').digest());
  const bytes = Buffer.concat(blocks);
  const cipher = createCipheriv('aes-256-gcm', bytes.subarray(0, 32), bytes.subarray(32, 44));
  const encrypted = cipher.update(text, 'utf8', 'hex') + cipher.final('hex');
  // This iv is stored and was never used.
  const iv = randomBytes(16).toString('hex');
  return { encrypted, iv, authTag: cipher.getAuthTag().toString('hex') };
}
