import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { confirm, confirmByTyping } from './confirmation.js';
import { CommandError } from './exit-code.js';
import { Terminal } from './terminal.js';

function terminal(interactive = true) {
  const [input, results, notes] = [1, 2, 3].map(() =>
    Object.assign(new PassThrough(), { isTTY: interactive, setRawMode: () => undefined }),
  );
  const shown = (): string => (notes!.read() as Buffer | null)?.toString() ?? '';
  return { terminal: new Terminal(input, results, notes), input: input!, shown };
}

const codeOf = (work: Promise<unknown>): Promise<number | string> =>
  work.then(
    () => 'goes on',
    (error: CommandError) => error.exitCode,
  );

describe('a command that changes something', () => {
  it.each([
    ['y', 'goes on'],
    ['YES', 'goes on'],
    ['', 1],
    ['n', 1],
    ['yep', 1],
  ])('asks, and to "%s": %s', async (answer, result) => {
    const person = terminal();
    person.input.write(`${answer}\r`);
    expect(await codeOf(confirm(person.terminal, {}))).toBe(result);
    expect(person.shown()).toContain('Go on? [y/N] ');
  });

  it.each([
    ['acme', 'goes on'],
    ['y', 1],
    ['acme2', 1],
  ])('that cannot be undone wants the name typed, and to "%s": %s', async (answer, result) => {
    const person = terminal();
    person.input.write(`${answer}\r`);
    expect(await codeOf(confirmByTyping(person.terminal, 'id of the tenant', 'acme', {}))).toBe(result);
  });

  it.each([
    ['Ctrl-C', '\u0003', 130],
    ['Ctrl-D', '\u0004', 1],
  ])('takes %s for a no', async (_name, key, code) => {
    const person = terminal();
    person.input.write(key);
    expect(await codeOf(confirm(person.terminal, {}))).toBe(code);
  });

  it('does not wait where nobody can answer', async () => {
    const nobody = terminal(false);
    expect(await codeOf(confirm(nobody.terminal, {}))).toBe(2);
    expect(await codeOf(confirmByTyping(nobody.terminal, 'id', 'acme', {}))).toBe(2);
    expect(nobody.shown()).toBe('');
  });

  it('does not ask with --yes', async () => {
    const nobody = terminal(false);
    expect(await codeOf(confirm(nobody.terminal, { yes: true }))).toBe('goes on');
    expect(await codeOf(confirmByTyping(nobody.terminal, 'id', 'acme', { yes: true }))).toBe('goes on');
  });
});
