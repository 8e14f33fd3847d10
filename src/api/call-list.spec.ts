import { expect, it } from 'vitest';
import { isListed } from './call-list.js';

const list = ['GET /me', 'POST /files/*'];

it.each([
  ['GET', '/me'],
  ['POST', '/files/1'],
  ['POST', '/files/1/parts'],
])('allows %s %s', (method, path) => {
  expect(isListed(list, method, path)).toBe(true);
});

it.each([
  ['POST', '/me'],
  ['HEAD', '/me'],
  ['get', '/me'],
  ['GET', '/ME'],
  ['GET', '/me/'],
  ['GET', '/mexico'],
  ['GET', '/files/1'],
  ['POST', '/files'],
])('refuses %s %s', (method, path) => {
  expect(isListed(list, method, path)).toBe(false);
});
