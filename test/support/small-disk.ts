import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A disk of 64 KiB in memory, mounted on a directory of its own: real, and soon full. */
export class SmallDisk {
  readonly path = mkdtempSync(join(tmpdir(), 'tokenward-disk-'));

  constructor() {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tokenward', this.path], { stdio: 'ignore' });
    } catch (error) {
      rmSync(this.path, { recursive: true });
      throw error;
    }
  }

  static isPossible(): boolean {
    try {
      new SmallDisk().remove();
      return true;
    } catch {
      return false;
    }
  }

  /** Until nothing more fits. */
  fill(): void {
    try {
      writeFileSync(join(this.path, 'filler'), Buffer.alloc(128 * 1024));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  empty(): void {
    rmSync(join(this.path, 'filler'));
  }

  makeReadOnly(): void {
    execFileSync('mount', ['-o', 'remount,ro', this.path]);
  }

  remove(): void {
    execFileSync('umount', [this.path]);
    rmSync(this.path, { recursive: true });
  }
}
