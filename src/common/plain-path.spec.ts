import { expect, it } from 'vitest';
import { isPlainPath } from './plain-path.js';

it.each([
  '/',
  '/me',
  '/me/',
  '/files/a.b..c',
  '/files/.hidden',
  "/files/a(1)!$&'*+,=:@~_-",
  '/files/C%23.pdf',
  '/files/caf%C3%A9%20au%20lait',
  '/files/%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80',
])('%s is read by everybody in one way', (path) => {
  expect(isPlainPath(path)).toBe(true);
});

it.each([
  ['no slash at the start', 'me'],
  ['dots', '/files/../me'],
  ['a dot', '/./me'],
  ['dots at the end', '/files/..'],
  ['encoded dots', '/files/%2e%2E/me'],
  ['a half-encoded pair of dots', '/files/.%2e/me'],
  ['dots that a server trims to two', '/files/..%20/me'],
  ['three dots', '/files/.../me'],
  ['dots around a character nobody sees', '/files/.%E2%80%8B./me'],
  ['dots before what ends a path', '/files/..%23/me'],
  ['dots before what begins a query', '/files/..%3F/me'],
  ['nothing before what begins a query', '/files/%3F/me'],
  ['full-width dots', '/files/%EF%BC%8E%EF%BC%8E/me'],
  ['a two-dot leader', '/files/%E2%80%A5/me'],
  ['overlong dots', '/files/%C0%AE%C0%AE/me'],
  ['an empty segment', '/files//me'],
  ['an empty first segment', '//elsewhere/me'],
  ['an encoded slash', '/files%2Fme'],
  ['an encoded backslash', '/files/..%5Cme'],
  ['a backslash', '/files\\me'],
  ['a full-width slash', '/files%EF%BC%8Fme'],
  ['an overlong slash', '/files%C0%AFme'],
  ['a slash encoded twice', '/files%252Fme'],
  ['a full-width percent sign', '/files%EF%BC%852fme'],
  ['a parameter', '/files;a=1'],
  ['an encoded semicolon', '/files/..%3B/me'],
  ['a zero byte', '/files%00'],
  ['a line break', '/files%0D%0Ame'],
  ['half an escape', '/files%2'],
  ["an escape of Microsoft's", '/files%u002e'],
  ['Latin-1', '/caf%E9'],
  ['raw UTF-8', '/café'],
  ['a space', '/a b'],
  ['a fragment', '/me#x'],
])('a path with %s is not plain: %s', (_what, path) => {
  expect(isPlainPath(path)).toBe(false);
});
