import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { usageError } from './exit-code.js';

/** The keyring file as it is. @throws CommandError */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`The keyring file ${file} cannot be read (${codeOf(error)}).`, error);
  }
}

export const modeOf = (file: string): number => statSync(file).mode & 0o777;

/**
 * Replaces the text of a keyring file at once: who reads it sees the old text or the new one, also after a power cut.
 * Owner and mode stay. The new text stands in `<file>.new` first, which keeps a second change away meanwhile.
 * @throws CommandError; then the file is what it was
 */
export function changeText(named: string, change: (text: string) => string): void {
  // A link stays a link; what it points at is replaced.
  const file = resolveLinks(named);
  const next = `${file}.new`;
  begin(next, file);
  try {
    fill(next, change(readText(file)), statSync(file));
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    throw codeOf(error) === undefined ? error : unwritable(file, error);
  }
  syncFolder(dirname(file));
}

function fill(next: string, text: string, { mode, uid, gid }: Stats): void {
  const descriptor = openSync(next, 'r+');
  try {
    writeFileSync(descriptor, text);
    const own = fstatSync(descriptor);
    if (own.uid !== uid || own.gid !== gid) fchownSync(descriptor, uid, gid);
    fchmodSync(descriptor, mode & 0o777);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function resolveLinks(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    throw usageError(`The keyring file ${file} cannot be read (${codeOf(error)}).`, error);
  }
}

function begin(next: string, file: string): void {
  try {
    closeSync(openSync(next, 'wx', 0o600));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw unwritable(file, error);
    throw usageError(
      `${next} is there already: the keyring is being changed by somebody else, or a change was cut off. In that case remove it; ${file} is complete.`,
      error,
    );
  }
}

const unwritable = (file: string, error: unknown) =>
  usageError(
    `The keyring file ${file} cannot be replaced (${codeOf(error)}) and is what it was. If it is mounted from a secret store, change the secret there, with an entry from \`tokenward keyring generate\`.`,
    error,
  );

/** Makes the rename itself durable; not every system lets a folder be opened. */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch {
    // The text itself is on the disk.
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
