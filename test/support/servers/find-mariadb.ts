import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A server program; Debian puts them into /usr/sbin, which is not on every user's PATH. */
export function findProgram(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return directories.map((directory) => join(directory, name)).find((file) => existsSync(file));
}

export const findMariadb = (): string | undefined => findProgram('mariadbd');
