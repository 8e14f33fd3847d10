import { LegacyCipherError } from './legacy-cipher.js';

const HEX = /^(?:[0-9a-f]{2})*$/i;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Three parts that belong together, as bytes. */
export interface Triple {
  encrypted: Buffer;
  iv: Buffer;
  authTag: Buffer;
}

const malformed = (expected: string): LegacyCipherError => new LegacyCipherError('MALFORMED', expected);

/** Text columns come as strings, binary ones as Buffers. */
export function storedText(stored: unknown, part = 'the stored value'): string {
  if (typeof stored === 'string') return stored;
  if (Buffer.isBuffer(stored)) return stored.toString('latin1');
  throw malformed(`${part} must be text, it is ${stored === null ? 'null' : typeof stored}`);
}

/** Node's own decoder skips what it does not know. */
export function decode(text: string, encoding: 'hex' | 'base64', part = 'the stored value'): Buffer {
  if (!(encoding === 'hex' ? HEX : BASE64).test(text)) throw malformed(`${part} is not ${encoding}`);
  return Buffer.from(text, encoding);
}

/** `{ encrypted, iv, authTag }` as an object or as its JSON text. */
export function storedTriple(stored: unknown, encoding: 'hex' | 'base64'): Triple {
  const parts = typeof stored === 'object' && !Buffer.isBuffer(stored) ? stored : parsed(storedText(stored));
  if (parts === null || typeof parts !== 'object') throw malformed('must be { encrypted, iv, authTag }');
  const { encrypted, iv, authTag } = parts as Record<string, unknown>;
  const part = (name: string, value: unknown): Buffer => decode(storedText(value, name), encoding, name);
  return {
    encrypted: part('encrypted', encrypted),
    iv: part('iv', iv),
    authTag: part('authTag', authTag),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw malformed('is neither an object nor JSON');
  }
}

/** @throws LegacyCipherError `NOT_TEXT` */
export function clearText(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new LegacyCipherError('NOT_TEXT');
  }
}
