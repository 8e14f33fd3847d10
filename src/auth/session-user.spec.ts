import { describe, expect, it } from 'vitest';
import { LoginFault } from './login.fault.js';
import { userAfter } from './session-user.js';

describe('the user of a session', () => {
  const identity = { sub: '42', name: 'Ada' };
  const ada = { id: 'acme:42', name: 'Ada', provider: 'acme' };

  it('is whom the first provider names', () => {
    expect(userAfter(undefined, 'acme', identity)).toEqual(ada);
  });

  it('stays the same when another provider is connected, whoever that one names', () => {
    expect(userAfter(ada, 'other', { sub: '7', name: 'Someone' })).toBe(ada);
    expect(userAfter(ada, 'other', null)).toBe(ada);
  });

  it('is another one after a log-in as another at the same provider', () => {
    expect(userAfter(ada, 'acme', { sub: '7', name: 'Bob' })).toEqual({
      id: 'acme:7',
      name: 'Bob',
      provider: 'acme',
    });
  });

  it('cannot be named by a provider that does not say who logs in', () => {
    expect(() => userAfter(undefined, 'acme', null)).toThrow(LoginFault);
  });
});
