import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The server program; Debian puts it into /usr/sbin, which is not on every user's PATH. */
export function findMariadb(): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return directories.map((directory) => join(directory, 'mariadbd')).find((file) => existsSync(file));
}
