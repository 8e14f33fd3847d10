import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Turns } from '../common/turns.js';
import { randomId } from '../crypto/random.js';

const PROBE = 'probe-';
const ENTRY = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.(?:spool|tmp)$/;
const UNFINISHED = /\.tmp$/;
/** Far more than the largest tokens take. */
const MAX_BYTES = 1_048_576;
/** A disk that hangs keeps so many of the few threads that all of this process has for files, names of hosts and cryptography. */
const AT_ONCE = 2;
/** Some file systems do not know the operation for a directory. */
const UNKNOWN_FOR_DIRECTORIES = new Set(['EPERM', 'EISDIR', 'EINVAL', 'ENOTSUP']);

/** The word of the operating system for what went wrong, without any path. */
export const fileErrorCode = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code ?? (error as Error).name;

/** Makes the directory where it is missing, for its owner alone. Why it cannot be written to, or null. */
export function spoolDirectoryFault(path: string): string | null {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    return `${path} cannot be created (${fileErrorCode(error)}): name a directory that this process may write to`;
  }
  const probe = join(path, PROBE + randomId());
  try {
    writeFileSync(probe, 'x', { mode: 0o600, flag: 'wx' });
    rmSync(probe);
    return null;
  } catch (error) {
    return `${path} cannot be written to (${fileErrorCode(error)}): name a directory that this process may write to`;
  }
}

/** Small files that survive a crash of the process and of the machine. Several processes may use one directory. */
export class SpoolDirectory {
  private readonly path: string;
  readonly #turns = new Turns(AT_ONCE);

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** When it resolves the file is on the disk, whole. @throws an error of the file system; nothing is left behind then */
  write(id: string, text: string): Promise<void> {
    return this.#turns.take(() => this.writeNow(id, text));
  }

  private async writeNow(id: string, text: string): Promise<void> {
    const unfinished = join(this.path, `${id}.tmp`);
    try {
      await writeAndSync(unfinished, text);
      await rename(unfinished, join(this.path, `${id}.spool`));
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw error;
    }
    await this.sync();
  }

  /** Names of files that were written here, by whatever process; `unfinished` ones have no name for good yet. */
  async list(): Promise<{ name: string; id: string; unfinished: boolean }[]> {
    const names = (await this.#turns.take(() => readdir(this.path))).filter((name) => ENTRY.test(name));
    return names.map((name) => ({
      name,
      id: name.slice(0, name.lastIndexOf('.')),
      unfinished: UNFINISHED.test(name),
    }));
  }

  /** Null where it is gone. @throws an error of the file system */
  read(name: string): Promise<string | null> {
    return this.#turns.take(() => this.readNow(name));
  }

  private async readNow(name: string): Promise<string | null> {
    const file = join(this.path, name);
    try {
      if ((await stat(file)).size > MAX_BYTES) return '';
      return await readFile(file, 'utf8');
    } catch (error) {
      if (fileErrorCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /** @throws an error of the file system, but not where it is gone already */
  async remove(name: string): Promise<void> {
    await this.#turns.take(() => rm(join(this.path, name), { force: true }));
  }

  /** Writes as an entry is written, and takes it away again. @throws an error of the file system */
  async probe(): Promise<void> {
    const file = join(this.path, PROBE + randomId());
    await this.#turns.take(async () => {
      try {
        await writeAndSync(file, 'x'.repeat(4096));
      } finally {
        await rm(file, { force: true });
      }
    });
  }

  /** The new name is part of the directory, and as durable as that. */
  private async sync(): Promise<void> {
    try {
      const directory = await open(this.path, 'r');
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
    } catch (error) {
      if (!UNKNOWN_FOR_DIRECTORIES.has(fileErrorCode(error))) throw error;
    }
  }
}

async function writeAndSync(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text, 'utf8');
    await file.sync();
  } finally {
    await file.close();
  }
}
