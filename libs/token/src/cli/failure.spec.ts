import { describe, expect, it } from 'vitest';
import { TokenConfigurationError, TokenInputError } from '../common/errors.js';
import { refusal, usageError } from './exit-code.js';
import { explain, stacks } from './failure.js';

describe('a command that fails', () => {
  it.each([
    ['a wrong command line', usageError('say which'), 'say which', 2],
    ['a refusal', refusal('not now'), 'not now', 1],
    ['an error of the library', new TokenInputError('keyId', 'unknown'), 'INPUT_INVALID: keyId: unknown', 1],
    ['a wrong configuration', new TokenConfigurationError(['no']), 'CONFIGURATION_INVALID: no', 2],
    [
      'a server that is away',
      new AggregateError([new Error('connect ECONNREFUSED ::1:5432')]),
      /^connect/,
      1,
    ],
    ['nothing that is known', 'a string', /names no reason/, 1],
  ])('says what is wrong: %s', (_what, error, message, exitCode) => {
    const explained = explain(error);
    expect(explained.exitCode).toBe(exitCode);
    expect(explained.message).toMatch(message);
  });

  it('shows no password of an address, not even in a stack', () => {
    const error = new Error('refused', { cause: new Error('no answer from postgres://ada:hush@db/app') });
    expect(explain(error.cause).message).toBe('no answer from postgres://…@db/app');
    expect(stacks(error)).toContain('caused by Error: no answer from postgres://…@db/app');
    expect(stacks(error)).not.toContain('hush');
  });
});
