import { mkdirSync, writeFileSync } from 'node:fs';

/** Makes a file for its owner alone, with the folder that it is in. False, and left as it is, where there is one already. */
export function createOnce(file: string, directory: string, content: string): boolean {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(file, content, { mode: 0o600, flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
