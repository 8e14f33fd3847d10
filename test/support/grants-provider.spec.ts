import { decodeJwt } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GrantsProvider, startGrantsProvider } from './grants-provider.js';
import { GRANT_TYPE } from './provider/token-exchange.js';

const TYPE = 'urn:ietf:params:oauth:token-type:access_token';

describe('the provider of client tokens and token exchange', () => {
  let provider: GrantsProvider;
  let subject: Record<string, string>;

  beforeEach(async () => {
    provider = await startGrantsProvider();
    const { access_token: value } = await provider.mintTokens({ sub: 'ada', scope: 'openid api read' });
    subject = { subject_token: value, subject_token_type: TYPE };
  });
  afterEach(() => provider.stop());

  const ask = async (form: Record<string, string> | URLSearchParams, secret = provider.clientSecret) => {
    const response = await fetch(`${provider.issuer}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${provider.clientId}:${secret}`).toString('base64')}`,
      },
      body: new URLSearchParams(form),
    });
    return (await response.json()) as Record<string, string>;
  };
  const exchange = (more: Record<string, string>) => ask({ grant_type: GRANT_TYPE, ...subject, ...more });

  it('issues client tokens that say what they are for', async () => {
    const resource = 'https://api.example.com/';
    const answer = await ask({ grant_type: 'client_credentials', scope: 'read', resource });
    expect(decodeJwt(answer['access_token']!)).toMatchObject({ aud: resource, scope: 'read' });
    expect(await ask({ grant_type: 'client_credentials' }, 'wrong')).toMatchObject({
      error: 'invalid_client',
    });
  });

  it('exchanges a token for one that says whose it is and what it is for', async () => {
    const answer = await exchange({ audience: 'api-billing', scope: 'read' });
    expect(answer).toMatchObject({ issued_token_type: TYPE, token_type: 'Bearer', scope: 'read' });
    expect(decodeJwt(answer['access_token']!)).toMatchObject({
      sub: 'ada',
      aud: ['api-billing'],
      scope: 'read',
    });
  });

  it.each([
    [{ audience: 'elsewhere' }, 'invalid_target'],
    [{ resource: 'https://elsewhere.test/' }, 'invalid_target'],
    [{ scope: 'write' }, 'invalid_scope'],
    [{ subject_token: 'made-up' }, 'invalid_request'],
    [{ subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
    [{ requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }, 'invalid_request'],
    [{ actor_token: 'x' }, 'invalid_request'],
  ])('refuses %j with %s', async (more, error) => {
    expect(await exchange(more)).toMatchObject({ error });
  });
});
