import { TokenConfigurationError } from '@tokenward/nestjs';
import { register } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.js';
import {
  type LoginAppOptions,
  loginProviders,
  type Platform,
  platforms,
  startLogin,
  startLoginApp,
} from '../support/login-app.js';
import { type LoginProvider, startLoginProvider } from '../support/login-provider.js';
import { Visitor } from '../support/visitor.js';

describe('The options of AuthorizationModule', () => {
  let database: TestDatabase;
  let provider: LoginProvider;

  beforeAll(async () => {
    database = await createDatabase('sqlite');
    provider = await startLoginProvider('http://localhost:9');
  });
  afterAll(async () => {
    await provider.stop();
    await database.drop();
  });

  const start = (authorization: LoginAppOptions['authorization']) =>
    startLoginApp(database, provider, { authorization });
  const faultsOf = async (authorization: object): Promise<readonly string[]> => {
    try {
      const app = await start(authorization);
      await app.close();
      return [];
    } catch (error) {
      if (!(error instanceof TokenConfigurationError)) throw error;
      return error.problems;
    }
  };

  it('are told all their faults at once', async () => {
    const found = await faultsOf({
      publicUrl: 'http://app.example.com',
      allowInsecureRequests: false,
      returnTo: '//evil.example',
      afterLogout: 'home',
      furtherScope: { elsewhere: 'a' },
      mediated: ['bound', 'nowhere'],
      prefix: '/auth/',
    });
    expect(found.map((fault) => /^AuthorizationModule ([\w.]+): /.exec(fault)?.[1])).toEqual([
      'publicUrl',
      'returnTo',
      'afterLogout',
      'prefix',
      'furtherScope.elsewhere',
      'mediated',
      'mediated',
    ]);
  });

  it.each([
    [{ publicUrl: 'app.example.com' }, 'publicUrl: must be a URL'],
    [{ publicUrl: 'ftp://app.example.com' }, 'publicUrl: must begin with https:'],
    [{ publicUrl: 'https://user@app.example.com' }, 'publicUrl: must have neither user'],
    [{ publicUrl: 'https://app.example.com/?x' }, 'publicUrl: must have neither user'],
    [{ userOf: 'me' }, 'userOf: must be a function'],
    [{ limits: { perBrowser: 0 } }, 'limits.perBrowser: must be at least 1'],
    [{ limits: { inAll: 1e9 } }, 'limits.inAll: must be at most 10000000'],
    [{ retrunTo: '/' }, 'retrunTo: is not an option'],
  ])('are refused as %o', async (options, fault) => {
    expect(await faultsOf(options)).toEqual([expect.stringContaining(fault)]);
  });

  it.each([
    [{ signedRequests: true }, 'signedRequests: needs a clientKey'],
    [{ authorizationParameters: { state: 'x' } }, 'authorizationParameters.state: is set by the library'],
    [{ pushedAuthorizationEndpoint: 'http://id.example.com/par' }, 'pushedAuthorizationEndpoint: must begin'],
  ])('of a provider are refused as %o', async (options, fault) => {
    const { acme } = loginProviders(provider);
    const providers = {
      acme: { ...acme!, allowInsecureRequests: false, issuer: 'https://x.example', ...options },
    };
    await expect(
      startLoginApp(database, provider, { providers, authorization: { furtherScope: {}, mediated: [] } }),
    ).rejects.toThrow(fault);
  });

  describe.each(Object.keys(platforms) as Platform[])('on %s', (platform) => {
    it('say where browsers find the application, and over https its cookie is as strict as can be', async () => {
      const app = await startLoginApp(database, provider, {
        platform,
        authorization: { publicUrl: 'https://app.example.com/shop/', prefix: 'my/account' },
      });
      const answer = await new Visitor().get(`${app.url}/my/account/login/acme`);
      expect(new URL(answer.headers.get('location')!).searchParams.get('redirect_uri')).toBe(
        'https://app.example.com/shop/my/account/callback/acme',
      );
      expect(answer.headers.getSetCookie()).toEqual([
        expect.stringMatching(
          /^__Host-tokenward-login=[\w-]{43}; Path=\/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$/,
        ),
      ]);
      expect((await new Visitor().get(`${app.url}/auth/login/acme`)).status).toBe(404);
      await app.close();
    });

    it('may bring pages of their own', async () => {
      const app = await startLoginApp(database, provider, {
        platform,
        authorization: { page: ({ reason, status }) => `<h1>${reason} ${status}</h1>` },
      });
      const answer = await new Visitor().get(`${app.url}/auth/callback/acme?state=x`);
      expect([answer.status, await answer.text()]).toEqual([400, '<h1>expired 400</h1>']);
      expect(answer.headers.has('content-security-policy')).toBe(false);
      await app.close();
    });
  });
});

it('Log-ins are counted by provider and outcome', async () => {
  const database = await createDatabase('sqlite');
  const { app, stop } = await startLogin(database, { metrics: true, platform: 'Express' });
  const visitor = new Visitor();
  await visitor.get(await visitor.callbackAfterLogIn(app.url, undefined, 'acme'));
  await visitor.get(`${app.url}/auth/login/made-up`);
  await fetch(`${app.url}/auth/backchannel-logout/acme`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: 'x' }),
  });
  const text = await register.metrics();
  expect(text).toContain('tokenward_authorizations_total{provider="acme",outcome="started"} 1');
  expect(text).toContain('tokenward_authorizations_total{provider="acme",outcome="logged_in"} 1');
  expect(text).toContain('tokenward_logout_tokens_total{outcome="refused"} 1');
  expect(text).not.toContain('made-up');
  await stop();
  await database.drop();
});
