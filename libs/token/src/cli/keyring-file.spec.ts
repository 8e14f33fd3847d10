import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeText } from './keyring-file.js';

describe('changing a keyring file', () => {
  let directory: string;
  let file: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tokenward-keyring-'));
    file = join(directory, 'keyring');
    writeFileSync(file, 'before\n', { mode: 0o640 });
    chmodSync(file, 0o640);
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const read = (): string => readFileSync(file, 'utf8');

  it('keeps its mode and leaves nothing beside it', () => {
    changeText(file, (text) => `new\n${text}`);
    expect(read()).toBe('new\nbefore\n');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it('puts another file in its place: who has the old one open reads it to its end', () => {
    const before = statSync(file).ino;
    changeText(file, () => 'new\n');
    expect(statSync(file).ino).not.toBe(before);
  });

  it('leaves a link a link', () => {
    const link = join(directory, 'link');
    symlinkSync(file, link);
    changeText(link, () => 'new\n');
    expect(readlinkSync(link)).toBe(file);
    expect(read()).toBe('new\n');
  });

  it('that fails leaves it as it was', () => {
    const failing = (): string => {
      throw new Error('no');
    };
    expect(() => changeText(file, failing)).toThrow('no');
    expect(read()).toBe('before\n');
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it('waits for nobody: a second change at the same time is refused', () => {
    writeFileSync(`${file}.new`, 'half');
    expect(() => changeText(file, () => 'lost')).toThrow(/is being changed by somebody else/);
    expect(read()).toBe('before\n');
    expect(readFileSync(`${file}.new`, 'utf8')).toBe('half');
  });

  it('that is not there says so', () => {
    expect(() => changeText(join(directory, 'none'), () => '')).toThrow(/cannot be read \(ENOENT\)/);
  });
});
