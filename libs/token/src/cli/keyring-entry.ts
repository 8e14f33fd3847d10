import { KEY_BYTES } from '../crypto/key-material.js';
import { randomBytes } from '../crypto/random.js';
import { type Keyring, parseKeyring } from '../keys/keyring.js';
import { usageError } from './exit-code.js';

/** `id:key` with a fresh random key. @throws CommandError for an id that no keyring takes */
export function generateEntry(id: string): string {
  const entry = `${id}:${randomBytes(KEY_BYTES).toString('base64')}`;
  // Separators and comment signs would make more than an entry out of it.
  const { keyring, faults } = parseKeyring(entry);
  if (faults.length > 0 || keyring.primary !== id)
    throw usageError(`--id "${id}": must be 1 to 16 of A-Z a-z 0-9 . _ -`);
  return entry;
}

/** The keyring, or every fault of it in one error. @throws CommandError */
export function keyringOf(text: string, file: string): Keyring {
  const { keyring, faults } = parseKeyring(text);
  if (faults.length > 0)
    throw usageError(`The keyring ${file} is wrong:\n${faults.map((fault) => `- ${fault}`).join('\n')}`);
  return keyring;
}

/** One more than the highest number among the ids. @throws CommandError when none is a number */
export function nextId(keyring: Keyring): string {
  const numbers = [...keyring.keys.keys()].filter((id) => /^\d{1,9}$/.test(id)).map(Number);
  if (numbers.length === 0)
    throw usageError('The ids of this keyring are no numbers: choose the next one with --id <id>.');
  return String(Math.max(...numbers) + 1);
}

/** Comments and all other entries stay as they are. */
export function withEntry(text: string, entry: string, last: boolean): string {
  const lines = text.replace(/\n*$/, '').split('\n');
  const first = lines.findIndex((line) => line.replace(/#.*/, '').trim() !== '');
  return `${lines.toSpliced(last ? lines.length : first, 0, entry).join('\n')}\n`;
}

/** @throws Error when an entry of before is missing or another key afterwards */
export function assertKept(before: Keyring, after: Keyring): void {
  for (const [id, { key }] of before.keys)
    if (!after.keys.get(id)?.key.equals(key)) throw new Error(`entry "${id}" would have been lost`);
}
