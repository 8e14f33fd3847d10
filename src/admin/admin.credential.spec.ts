import { expect, it } from 'vitest';
import { AdminCredential } from './admin.credential.js';

const credential = new AdminCredential('päss:word');
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

it('opens with the user admin and the password, which may hold a colon', () => {
  expect(credential.matches(basic('admin:päss:word'))).toBe(true);
  expect(credential.matches(basic('admin:päss:word').replace('Basic', 'basic'))).toBe(true);
});

it.each([
  ['another password', basic('admin:word')],
  ['the beginning of it', basic('admin:päss')],
  ['no password', basic('admin:')],
  ['another user', basic('root:päss:word')],
  ['no user', basic(':päss:word')],
  ['another scheme', basic('admin:päss:word').replace('Basic', 'Bearer')],
  ['what is not Base64', 'Basic admin:päss:word'],
  ['nothing', ''],
])('does not open with %s', (_what, authorization) => {
  expect(credential.matches(authorization)).toBe(false);
});
