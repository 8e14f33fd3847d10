import { describe, expect, it } from 'vitest';
import { FakePage } from '../../../test/support/fake-page.js';
import { destinationOf } from './destination.js';
import { readOptions } from './token-client.options.js';

const page = new FakePage();
const settings = readOptions(
  { mode: 'mediated', baseUrl: '/backend', provider: 'local', apiOrigins: ['https://api.example'] },
  page,
);

describe('where a request goes', () => {
  it.each([
    ['/backend/auth/session', 'backend'],
    ['/backend', 'backend'],
    ['backend/x', 'backend'],
    ['https://app.example/backend/x?y#z', 'backend'],
    ['/%62ackend/x', 'elsewhere'],
    ['/backends/x', 'elsewhere'],
    ['/backend/../x', 'elsewhere'],
    ['/backend/%2e%2e/x', 'elsewhere'],
    ['/x', 'elsewhere'],
    ['http://app.example/backend/x', 'elsewhere'],
    ['https://app.example:8443/backend/x', 'elsewhere'],
    ['//other.example/backend/x', 'elsewhere'],
    ['https://api.example/x', 'api'],
    ['https://API.example:443/x', 'api'],
    ['https:\\\\api.example\\x', 'api'],
    ['//api.example/x', 'api'],
    ['http://api.example/x', 'elsewhere'],
    ['https://api.example:8443/x', 'elsewhere'],
    ['https://api.example.evil.example/x', 'elsewhere'],
    ['https://api.example@evil.example/x', 'elsewhere'],
    ['https://evil.example/https://api.example/x', 'elsewhere'],
    ['https://evil.example\\@api.example/x', 'elsewhere'],
    ['\t//evil.example/x', 'elsewhere'],
    ['https://sub.api.example/x', 'elsewhere'],
    ['data:text/plain,https://api.example', 'elsewhere'],
    ['blob:https://api.example/uuid', 'api'],
  ])('%s: %s', (address, destination) => {
    expect(destinationOf(address, settings, page)).toBe(destination);
  });
});
