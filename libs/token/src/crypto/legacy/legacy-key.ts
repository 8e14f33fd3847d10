import { TokenConfigurationError } from '../../common/errors.js';
import { KEY_BYTES } from '../key-material.js';

/** @throws TokenConfigurationError naming the reader, never the value */
export function wrongKey(reader: string, expected: string): TokenConfigurationError {
  return new TokenConfigurationError([`${reader} ${expected}`]);
}

/** A password or secret as it stands in the configuration of the old store. @throws TokenConfigurationError */
export function assertSecret(reader: string, name: string, value: unknown): asserts value is string | Buffer {
  if (!(typeof value === 'string' || Buffer.isBuffer(value)) || value.length === 0)
    throw wrongKey(reader, `${name}: must be a non-empty string; is its environment variable set?`);
}

const FORMS = { hex: /^(?:[0-9a-f]{2})+$/i, base64: /^[A-Za-z0-9+/_-]+={0,2}$/ };

/** A key as bytes, from a Buffer or from text in one of these encodings. @throws TokenConfigurationError */
export function keyBytes(
  reader: string,
  key: unknown,
  encodings: readonly (keyof typeof FORMS)[],
  bytes: number = KEY_BYTES,
): Buffer {
  assertSecret(reader, 'key', key);
  const candidates = Buffer.isBuffer(key)
    ? [key]
    : encodings.filter((encoding) => FORMS[encoding].test(key)).map((encoding) => Buffer.from(key, encoding));
  const found = candidates.find((candidate) => candidate.length === bytes);
  if (!found)
    throw wrongKey(reader, `key: must be ${bytes} bytes, in ${encodings.join(' or ')} or as a Buffer`);
  return Buffer.from(found);
}
