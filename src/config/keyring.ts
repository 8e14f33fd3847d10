import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyringFile } from '@tokenward/nestjs';
import type { Environment } from './environment.js';

export interface Keyring {
  keyring: string | KeyringFile;
  /** The file that has just been made because there was no keyring at all. */
  created: string | null;
}

/** The keyring that the environment names. Outside production one is made at the first start, readable by its owner only. */
export function keyringFrom(environment: Environment): Keyring {
  const { TOKEN_KEYRING: text, TOKEN_KEYRING_FILE: file, DATA_DIRECTORY: directory } = environment;
  if (text !== undefined) return { keyring: text, created: null };
  if (file !== undefined) return { keyring: { file }, created: null };
  const local = join(directory, 'keyring');
  return { keyring: { file: local }, created: create(local, directory) ? local : null };
}

function create(file: string, directory: string): boolean {
  const key = randomBytes(32).toString('base64');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    // `wx` leaves an existing keyring alone: without it, everything that it has encrypted would be lost.
    writeFileSync(file, `1:${key}\n`, { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
