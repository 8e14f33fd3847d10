import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { KeyringFile } from '@tokenward/nestjs';
import type { Environment } from './environment.js';
import { createOnce } from './local-file.js';

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
  const key = randomBytes(32).toString('base64');
  // An existing keyring stays: without it, everything that it has encrypted would be lost.
  return { keyring: { file: local }, created: createOnce(local, directory, `1:${key}\n`) ? local : null };
}
