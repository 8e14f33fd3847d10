import { format, inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from './secret.js';
import { IssuedAccessToken } from './tokens.js';

const VALUE = 'very-secret-value';
const token = new IssuedAccessToken(VALUE, { expiresAt: new Date(0), tokenType: 'Bearer', scope: 'read' }, 3);

describe.each([
  ['a secret', new Secret(VALUE)],
  ['an access token', token],
])('%s', (_name, secret) => {
  it('gives its value when asked for it', () => {
    expect(secret.value).toBe(VALUE);
  });

  it.each([
    ['JSON', () => JSON.stringify({ deep: [{ secret }] })],
    ['a template string', () => `token: ${secret as unknown as string}`],
    ['concatenation', () => 'x' + (secret as unknown as string)],
    [
      'inspect',
      () => inspect({ a: { b: { c: { secret } } } }, { depth: Infinity, showHidden: true, getters: true }),
    ],
    ['inspect without custom inspection', () => inspect(secret, { customInspect: false, showHidden: true })],
    ['console formats', () => format('%s %o %O %j', secret, secret, secret, secret)],
    ['a spread', () => JSON.stringify(Object.assign({}, secret))],
    ['entries', () => JSON.stringify([Object.entries(secret), Object.getOwnPropertyNames(secret)])],
    ['a structured clone', () => inspect(structuredClone(Object.assign({}, secret)))],
    ['an error', () => inspect(new Error('x', { cause: secret }))],
  ])('does not show it in %s', (_where, show) => {
    expect(show()).not.toContain(VALUE);
  });
});

describe('an access token', () => {
  it('shows what may be known of it', () => {
    expect(JSON.parse(JSON.stringify(token))).toEqual({
      expiresAt: '1970-01-01T00:00:00.000Z',
      tokenType: 'Bearer',
      scope: 'read',
    });
  });
});
