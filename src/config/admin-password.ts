import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from './configuration.error.js';
import type { Environment } from './environment.js';
import { createOnce } from './local-file.js';

export interface AdminPassword {
  password: string;
  /** Where it is kept, if it was made here and not given. */
  file: string | null;
}

/**
 * The password of the admin area; null switches that off. Outside production one is made at the first start and kept in
 * the data folder. @throws ConfigurationError
 */
export function adminPasswordFrom(environment: Environment): AdminPassword | null {
  const { ADMIN_PASSWORD: given, NODE_ENV: mode, DATA_DIRECTORY: directory } = environment;
  if (given !== undefined) return { password: given, file: null };
  if (mode === 'production') return null;
  const file = join(directory, 'admin-password');
  createOnce(file, directory, `${randomBytes(18).toString('base64url')}\n`);
  const password = readFileSync(file, 'utf8').trim();
  if (password === '')
    throw new ConfigurationError([
      `${file} is empty: delete it, and a new password is made at the next start`,
    ]);
  return { password, file };
}
