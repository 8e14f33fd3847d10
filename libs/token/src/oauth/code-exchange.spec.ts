import { describe, expect, it } from 'vitest';
import { exchangeCode } from './code-exchange.js';
import { Provider } from './providers.js';

const issuer = 'https://id.example.com';
const callback = new URL('https://app.example.com/auth/callback/acme?state=s&code=c');
const expected = { state: 's', codeVerifier: 'v'.repeat(43) };

describe('The end of a log-in', () => {
  const provider = (metadata: object): Provider => {
    const made = new Provider('acme', { issuer, clientId: 'app' }, 10);
    made.metadata = async () => ({ issuer, ...metadata });
    return made;
  };

  it.each([
    ['no token endpoint', {}],
    ['one that may not be asked', { token_endpoint: 'http://id.example.com/token' }],
  ])('does not promise that waiting helps where the provider has %s', async (_what, metadata) => {
    const answer = await exchangeCode(provider(metadata), callback, expected, null);
    expect(answer).toEqual({ outcome: 'refused', reason: expect.stringMatching(/^not sent \(OAUTH_/) });
  });

  it.each(['state=s', 'state=s&code=', 'state=s&code=c&code=d', 'state=s&code=&code=c'])(
    'is refused where the provider has sent ?%s',
    async (query) => {
      const odd = new URL(callback);
      odd.search = query;
      const answer = await exchangeCode(provider({}), odd, expected, null);
      expect(answer).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('code') });
    },
  );
});
