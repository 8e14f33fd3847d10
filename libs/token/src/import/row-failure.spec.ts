import { describe, expect, it } from 'vitest';
import { TokenInputError } from '../common/errors.js';
import { rowFault } from './row-failure.js';

describe('why a row fails', () => {
  it("is told in this library's own words", () => {
    expect(rowFault(new TokenInputError('scope', 'must be a string'), 'MAP_FAILED')).toEqual({
      reason: 'INPUT_INVALID',
      detail: 'scope: must be a string',
    });
  });

  it('is told by name, code and place for any other error, whose message may quote a value', () => {
    const error = Object.assign(new RangeError('secret\n    at secret.js:1:1'), { code: 'ERR_SOMETHING' });
    const { reason, detail } = rowFault(error, 'MAP_FAILED');
    expect(reason).toBe('MAP_FAILED');
    expect(detail).toMatch(/^RangeError ERR_SOMETHING at row-failure\.spec\.ts:\d+$/);
  });

  it('is told by the code of a driver', () => {
    const error = Object.assign(new Error('duplicate key (secret)'), { driverError: { code: '23505' } });
    expect(rowFault(error, 'WRITE_FAILED').detail).toMatch(/^Error 23505 at /);
  });

  it.each([
    ['secret', 'string'],
    [null, 'object'],
    [Object.assign(new Error('secret'), { stack: 'secret' }), 'Error'],
    [Object.assign(new Error('secret'), { code: 'se cret', stack: 'secret' }), 'Error'],
    [Object.assign(new Error('secret'), { name: 'se cret', stack: 'secret' }), 'Error'],
  ])('is short where nothing else may be told (%#)', (error, detail) => {
    expect(rowFault(error, 'MAP_FAILED')).toEqual({ reason: 'MAP_FAILED', detail });
  });
});
