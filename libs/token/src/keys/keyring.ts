import { readFileSync } from 'node:fs';
import { KEY_BYTES, toKeyObject } from '../crypto/key-material.js';
import type { KeyEncryptionKey } from '../crypto/wrapped-key.js';

/** A keyring kept in a file, for example a mounted secret: entries as in the string form, separated by commas or lines; `#` begins a comment. */
export interface KeyringFile {
  file: string;
}

/** A parsed keyring. The first entry wraps new data keys, all of them unwrap. */
export interface Keyring {
  keys: ReadonlyMap<string, KeyEncryptionKey>;
  primary: string;
}

const ID = /^[A-Za-z0-9._-]{1,16}$/;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const HOW = 'write "id:key" with a key from `openssl rand -base64 32`';

/** Its 16 bytes in wrapped keys: the id itself, padded with zeros, so that a dump can be read by a person. */
function kekIdBytes(id: string): Buffer {
  return Buffer.concat([Buffer.from(id, 'latin1'), Buffer.alloc(16)], 16);
}

function entryFault(
  id: string,
  encoded: string | undefined,
  seen: ReadonlyMap<string, unknown>,
): string | null {
  if (encoded === undefined) return `has no colon: ${HOW}`;
  if (!ID.test(id)) return 'id must be 1 to 16 of A-Z a-z 0-9 . _ -';
  if (seen.has(id)) return `id "${id}" is used twice: every key has an id of its own`;
  if (!BASE64.test(encoded)) return `(id "${id}") key is not base64: ${HOW}`;
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== KEY_BYTES)
    return `(id "${id}") key must be ${KEY_BYTES} bytes, it has ${bytes.length}: ${HOW}`;
  if (new Set(bytes).size < 8) return `(id "${id}") key is not random: ${HOW}`;
  return null;
}

/** Parses `"2:base64,1:base64"`. Returns every fault instead of throwing; no fault repeats key material. */
export function parseKeyring(text: string): { keyring: Keyring; faults: string[] } {
  const keys = new Map<string, KeyEncryptionKey>();
  const faults: string[] = [];
  const entries = text
    .replaceAll(/#.*$/gm, '')
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length === 0) faults.push(`holds no key: ${HOW}`);
  for (const [index, entry] of entries.entries()) {
    const [id, encoded] = entry.split(/:(.*)/s) as [string, string | undefined];
    const fault = entryFault(id, encoded, keys);
    if (fault) faults.push(`entry ${index + 1} ${fault}`);
    else keys.set(id, { id: kekIdBytes(id), key: toKeyObject(Buffer.from(encoded!, 'base64')) });
  }
  const ids = [...keys.keys()];
  ids.forEach((id, index) => {
    const twin = ids.slice(0, index).find((other) => keys.get(other)!.key.equals(keys.get(id)!.key));
    if (twin) faults.push(`ids "${twin}" and "${id}" hold the same key`);
  });
  return { keyring: { keys, primary: ids[0] ?? '' }, faults };
}

export function readKeyringFile({ file }: KeyringFile): { text: string; fault: string | null } {
  try {
    return { text: readFileSync(file, 'utf8'), fault: null };
  } catch (error) {
    return { text: '', fault: `file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})` };
  }
}
