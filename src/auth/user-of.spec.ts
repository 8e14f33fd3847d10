import { Secret } from '@tokenward/nestjs';
import type { Session } from '@tokenward/nestjs/session';
import { describe, expect, it } from 'vitest';
import { userOf } from './user-of.js';

describe('the user of a session', () => {
  const login = (provider: string, claims: Record<string, string> | null) => ({
    provider,
    account: 'default',
    subject: claims?.['sub'] ?? null,
    claims,
    accessToken: new Secret('token'),
    scope: 'openid',
  });
  const identity = { sub: '42', name: 'Ada' };
  const ada = { userId: 'acme:42', login: { provider: 'acme' } } as Session;

  it('is whom the first provider names', () => {
    expect(userOf(login('acme', identity), null)).toEqual({ userId: 'acme:42', attributes: { name: 'Ada' } });
    expect(userOf(login('acme', { sub: '42' }), null)).toMatchObject({ attributes: { name: '42' } });
  });

  it('stays the same when another provider is connected, whoever that one names', () => {
    expect(userOf(login('other', { sub: '7', name: 'Someone' }), ada)).toBe(ada);
    expect(userOf(login('other', null), ada)).toBe(ada);
  });

  it('is another one after a log-in as another at the same provider', () => {
    expect(userOf(login('acme', { sub: '7', name: 'Bob' }), ada)).toMatchObject({ userId: 'acme:7' });
  });

  it('cannot be named by a provider that does not say who logs in', () => {
    expect(userOf(login('acme', null), null)).toBeNull();
  });
});
