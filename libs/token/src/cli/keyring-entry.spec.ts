import { describe, expect, it } from 'vitest';
import { parseKeyring } from '../keys/keyring.js';
import { assertKept, generateEntry, keyringOf, nextId, withEntry } from './keyring-entry.js';

const idsOf = (text: string): string[] => [...keyringOf(text, 'keyring').keys.keys()];

describe('a keyring entry', () => {
  it('is new every time', () => {
    const entry = generateEntry('1');
    expect(entry).toMatch(/^1:[A-Za-z0-9+/]{43}=$/);
    expect(parseKeyring(entry).faults).toEqual([]);
    expect(generateEntry('1')).not.toBe(entry);
  });

  it.each(['', 'a b', 'a,b', 'a#b', 'a:b', 'x'.repeat(17)])('does not take the id "%s"', (id) => {
    expect(() => generateEntry(id)).toThrow(/must be 1 to 16 of/);
  });

  it.each([
    ['lines with comments', (one: string) => `# production\n\n${one} # since May\n`],
    ['one line', (one: string) => one],
    ['commas', (one: string) => `${one},${generateEntry('0')}\n\n\n`],
  ])('comes first or last in a keyring of %s', (_how, keyring) => {
    const text = keyring(generateEntry('1'));
    const before = idsOf(text);
    expect(idsOf(withEntry(text, generateEntry('2'), false))).toEqual(['2', ...before]);
    expect(idsOf(withEntry(text, generateEntry('2'), true))).toEqual([...before, '2']);
  });

  it('stays below the comment at the head of the file', () => {
    expect(withEntry('# production\n1:x\n', '2:y', false)).toBe('# production\n2:y\n1:x\n');
  });

  it('is counted on from the highest number', () => {
    expect(nextId(keyringOf(['may', '9', '10'].map(generateEntry).join(), 'keyring'))).toBe('11');
    expect(() => nextId(keyringOf(generateEntry('may'), 'keyring'))).toThrow(/choose the next one with --id/);
  });

  it('that would be lost or replaced is noticed', () => {
    const [before, other] = [generateEntry('1'), generateEntry('1')].map((text) =>
      keyringOf(text, 'keyring'),
    );
    expect(() => assertKept(before!, other!)).toThrow(/entry "1" would have been lost/);
  });
});
