import { describe, expect, it } from 'vitest';
import { FakePage } from '../../../test/support/fake-page.js';
import { createTokenClient } from './token-client.js';
import { readOptions, type TokenClientOptions } from './token-client.options.js';

const page = new FakePage();
const bff = { mode: 'bff', baseUrl: '/' };
const mediated = { mode: 'mediated', baseUrl: '/', provider: 'local', apiOrigins: ['https://api.example'] };

describe('the options of a client', () => {
  it.each([
    [bff],
    [{ ...bff, baseUrl: 'https://app.example/backend/' }],
    [mediated],
    [{ ...mediated, apiOrigins: ['http://localhost:3002', 'http://127.0.0.1:1', 'http://[::1]:2'] }],
  ])('may be %j', (options) => {
    expect(readOptions(options as TokenClientOptions, page).base.pathname).toMatch(/\/$/);
  });

  it.each([
    [{ ...bff, baseUrl: 'https://other.example' }, /page's own origin, https:\/\/app\.example/],
    [{ ...bff, baseUrl: 'http://' }, /baseUrl must be an address/],
    [{ ...bff, baseUrl: '/?a=b' }, /without query/],
    [{ ...bff, mode: 'cookie' }, /mode must be/],
    [{ ...bff, provider: 'local' }, /belong to mode/],
    [{ ...bff, timeoutSeconds: 0 }, /timeoutSeconds/],
    [{ ...bff, timeoutSeconds: Infinity }, /timeoutSeconds/],
    [{ ...mediated, provider: undefined }, /provider must name/],
    [{ ...mediated, provider: '..' }, /provider must name/],
    [{ ...mediated, apiOrigins: [] }, /apiOrigins must name/],
    [{ ...mediated, apiOrigins: undefined }, /apiOrigins must name/],
    [{ ...mediated, apiOrigins: ['http://api.example'] }, /"http:\/\/api\.example" must look like/],
    [{ ...mediated, apiOrigins: ['https://api.example/v1'] }, /must look like/],
    [{ ...mediated, apiOrigins: ['*'] }, /must look like/],
    [{ ...mediated, apiOrigins: ['null'] }, /must look like/],
    [{ ...mediated, apiOrigins: ['https://app.example'] }, /the backend's own/],
  ])('may not be %j', (options, complaint) => {
    expect(() => readOptions(options as TokenClientOptions, page)).toThrowError(
      expect.objectContaining({ code: 'CONFIGURATION_INVALID', message: expect.stringMatching(complaint) }),
    );
  });

  it('are all looked at before anybody is told', () => {
    const wrong = { ...mediated, baseUrl: 'https://other.example', provider: '', apiOrigins: ['*'] };
    expect(() => readOptions(wrong as TokenClientOptions, page)).toThrowError(
      /own origin.*provider must.*apiOrigins: "\*"/,
    );
  });

  it('make a client on a server as well, where there is no page', () => {
    expect(Object.isFrozen(createTokenClient({ mode: 'bff', baseUrl: '/' }))).toBe(true);
  });
});
