import Database from 'better-sqlite3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startProvidedApp, type ProvidedApp } from '../support/provided-app.js';
import { Visitor } from '../support/visitor.js';

describe('the reference app on the wire', () => {
  let provided: ProvidedApp;
  let url: string;
  let visitor: Visitor;

  beforeAll(async () => {
    provided = await startProvidedApp({}, (entry) => ({ test: entry, other: entry }));
    url = provided.app.url;
  });
  afterAll(() => provided?.stop());
  beforeEach(() => {
    visitor = new Visitor();
  });

  const titleOf = async (response: Response | null): Promise<string | undefined> =>
    /<h1>(.*?)<\/h1>/.exec((await response?.text()) ?? '')?.[1];

  describe('log-in', () => {
    it('gives the browser a new session, and only a session', async () => {
      const callback = await visitor.callbackAfterLogIn(url);
      const before = visitor.cookieFor(url);
      const answer = await visitor.get(callback);
      expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
      expect(visitor.cookieFor(url)).toMatch(/^tokenward=[^;]+$/);
      expect(visitor.cookieFor(url)).not.toBe(before);
      expect(answer.headers.getSetCookie()[0]).toMatch(/; HttpOnly; SameSite=Lax$/);
      const old = await fetch(`${url}/connections`, { headers: { cookie: before, 'x-tokenward-csrf': '1' } });
      expect(old.status, 'the session from before the log-in').toBe(401);
      expect(await (await visitor.ask(`${url}/auth/session`)).json()).toMatchObject({
        user: { userId: 'test:ada', name: 'ada', provider: 'test' },
      });
    });

    it('accepts an answer once', async () => {
      const callback = await visitor.callbackAfterLogIn(url);
      await visitor.get(callback);
      const again = await visitor.get(callback);
      expect([again.status, await titleOf(again)]).toEqual([400, 'This log-in is no longer valid']);
    });

    it('accepts an answer in the browser that asked, and in no other', async () => {
      const callback = await visitor.callbackAfterLogIn(url);
      const other = new Visitor();
      await other.get(`${url}/auth/login/test`);
      expect((await other.get(callback)).status).toBe(400);
    });

    it.each([
      ['another state', (callback: URL) => callback.searchParams.set('state', 'made-up'), 400],
      ['another code', (callback: URL) => callback.searchParams.set('code', 'made-up'), 502],
      ['another issuer', (callback: URL) => callback.searchParams.set('iss', 'http://localhost:9'), 502],
      ['no issuer', (callback: URL) => callback.searchParams.delete('iss'), 502],
    ])('refuses an answer with %s, and stores nothing', async (_what, tamper, status) => {
      const callback = new URL(await visitor.callbackAfterLogIn(url));
      tamper(callback);
      const answer = await visitor.get(callback.href);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toMatch('text/html');
      expect(await answer.text()).not.toMatch(/\bat .*\.js|Error/);
      expect((await visitor.ask(`${url}/connections`)).status).toBe(401);
    });

    it('takes no for an answer', async () => {
      const { response } = await visitor.follow(await visitor.callbackAfterLogIn(url, { cancel: 'yes' }));
      expect(await titleOf(response)).toBe('You are not logged in');
    });

    it('works while a client secret is being exchanged for another', async () => {
      const { app, provider, stop } = await startProvidedApp({}, (entry) => ({
        test: { ...entry, clientSecret: ['a secret that is not in force yet', entry['clientSecret']] },
      }));
      await visitor.logIn(app.url);
      expect((await visitor.ask(`${app.url}/api/test/me`)).status).toBe(200);
      await visitor.post(`${app.url}/connections/test`, { method: 'DELETE' });
      await expect.poll(() => provider.oracle.revokedGrants.length).toBe(1);
      await stop();
    });

    it('knows no other provider', async () => {
      expect((await visitor.get(`${url}/auth/login/elsewhere`)).status).toBe(404);
      expect((await visitor.get(`${url}/auth/login/__proto__`)).status).toBe(404);
    });
  });

  describe('requests', () => {
    it.each(['/connections', '/api/test/me'])('to %s need a session', async (path) => {
      const answer = await visitor.ask(url + path);
      expect(answer.status).toBe(401);
      expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    });

    it.each([
      ['POST', '/auth/logout'],
      ['POST', '/connections/test/refresh'],
      ['POST', '/connections/test/burst'],
      ['DELETE', '/connections/test'],
      ['POST', '/api/test/me'],
    ])(
      'that change something, such as %s %s, need the header that other sites cannot send',
      async (method, path) => {
        await visitor.logIn(url);
        expect((await visitor.get(url + path, { method })).status).toBe(403);
      },
    );

    it.each([
      ['GET', '/api/test/time'],
      ['GET', '/api/test/me/../time'],
      ['GET', '/api/test/elsewhere/%2e%2e/time'],
      ['GET', '/api/test/elsewhere/..%2ftime'],
      ['GET', '/api/test//localhost:9/me'],
      ['DELETE', '/api/test/me'],
    ])('such as %s %s are not passed on: they are not on the list', async (method, path) => {
      await visitor.logIn(url);
      const answer = await visitor.get(url + path, { method, headers: { 'x-tokenward-csrf': '1' } });
      expect(answer.status).toBe(403);
    });

    it('that are listed reach the API with the token of the session', async () => {
      await visitor.logIn(url);
      const answer = await visitor.ask(`${url}/api/test/me`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
      expect(await answer.json()).toMatchObject({ sub: 'ada' });
    });

    it('are answered with headers that keep the page to itself', async () => {
      const { headers } = await visitor.get(`${url}/`);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
      );
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect((await visitor.ask(`${url}/auth/session`)).headers.get('cache-control')).toBe('no-store');
      expect(headers.get('cache-control'), 'for "back" after a log-out').toBe('no-store');
    });

    it.each(['/demo', '/demo/test/outage', '/demo/test/withdraw'])(
      'to %s find nothing: a provider of one’s own is let alone',
      async (path) => {
        await visitor.logIn(url);
        expect((await visitor.ask(url + path)).status).toBe(404);
        expect((await visitor.post(url + path)).status).toBe(404);
      },
    );

    it('get the modules of the page, and nothing else that lies beside them', async () => {
      const status = async (path: string): Promise<number> => (await visitor.get(url + path)).status;
      expect(await status('/page.js')).toBe(200);
      const { headers } = await visitor.get(`${url}/tokenward-browser/index.js`);
      expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8');
      for (const path of [
        '/admin/page.html',
        '/tokenward-browser/index.d.ts',
        '/tokenward-browser/..%2fpackage.json',
        '/tokenward-browser/__proto__',
        '/..%2fapp.ts',
      ])
        expect([401, 404], path).toContain(await status(path));
    });
  });

  describe('connections', () => {
    it('are told with their sealed bytes, without a secret, and looking refreshes nothing', async () => {
      await visitor.logIn(url);
      const before = provided.provider.oracle.exchanges;
      const { connections } = (await (await visitor.ask(`${url}/connections`)).json()) as {
        connections: unknown[];
      };
      expect(connections).toContainEqual(
        expect.objectContaining({
          provider: 'test',
          status: 'active',
          refreshes: 0,
          encrypted: expect.objectContaining({ refreshToken: expect.stringMatching(/^tm1\./) }),
        }),
      );
      expect(provided.provider.oracle.exchanges).toBe(before);
    });

    it('may be several of one user, and end one by one', async () => {
      await visitor.logIn(url);
      await visitor.logIn(url, 'other');
      const list = async (): Promise<string[][]> => {
        const answer = await visitor.ask(`${url}/connections`);
        const { connections } = (await answer.json()) as { connections: Record<string, string>[] };
        return connections.map(({ userId, provider, status }) => [userId!, provider!, status!]);
      };
      expect(await list()).toEqual([
        ['test:ada', 'test', 'active'],
        ['test:ada', 'other', 'active'],
      ]);
      await visitor.post(`${url}/auth/logout`);
      await visitor.logIn(url);
      expect(await list(), 'a log-out ends what the log-in began').toContainEqual([
        'test:ada',
        'other',
        'active',
      ]);
      await visitor.post(`${url}/connections/other`, { method: 'DELETE' });
      expect(await list()).toContainEqual(['test:ada', 'other', 'revoked']);
    });

    it.each(['', 'a/b', 'ä', 'x'.repeat(65)])(
      'are not looked for under the account "%s"',
      async (account) => {
        await visitor.logIn(url);
        const query = `?account=${encodeURIComponent(account)}`;
        expect((await visitor.post(`${url}/connections/test/refresh${query}`)).status).toBe(400);
        expect((await visitor.post(`${url}/connections/test${query}`, { method: 'DELETE' })).status).toBe(
          400,
        );
        expect((await visitor.post(`${url}/connections/test/refresh?acount=x`)).status).toBe(400);
      },
    );

    it('may be several accounts at one provider, each refreshed and ended by itself', async () => {
      await visitor.logIn(url);
      const consent = await visitor.follow(`${url}/auth/connect/test?account=work`);
      const form = new URLSearchParams({ name: 'ada', password: 'x' });
      const allowed = await visitor.get(consent.url, { method: 'POST', body: form });
      await visitor.follow(new URL(allowed.headers.get('location')!, consent.url).href);
      const list = async (): Promise<string[][]> => {
        const { connections } = (await (await visitor.ask(`${url}/connections`)).json()) as {
          connections: Record<string, string>[];
        };
        return connections
          .filter(({ provider }) => provider === 'test')
          .map(({ account, refreshes, status }) => [account!, String(refreshes), status!]);
      };
      expect(await list()).toEqual([
        ['default', '0', 'active'],
        ['work', '0', 'active'],
      ]);
      expect((await visitor.post(`${url}/connections/test/refresh?account=work`)).status).toBe(200);
      expect(await list()).toContainEqual(['work', '1', 'active']);
      await visitor.post(`${url}/connections/test?account=work`, { method: 'DELETE' });
      expect(await list()).toEqual([
        ['default', '0', 'active'],
        ['work', expect.any(String), 'revoked'],
      ]);
    });

    it('are refreshed once, however many calls meet an expired token at once', async () => {
      const { app, provider, stop } = await startProvidedApp();
      await visitor.logIn(app.url);
      const database = new Database(app.database);
      database.prepare('UPDATE tokenward_tokens SET expires_at = 1, refresh_after = 1').run();
      database.close();
      const burst = await visitor.post(`${app.url}/connections/test/burst`);
      expect(await burst.json()).toEqual({ calls: 50, ok: 50, exchanges: 1 });
      expect([provider.oracle.exchanges, provider.oracle.reuses]).toEqual([1, 0]);
      await stop();
    });

    it('can be ended, which revokes the grant at the provider', async () => {
      await visitor.logIn(url);
      const before = provided.provider.oracle.revokedGrants.length;
      const answer = await visitor.post(`${url}/connections/test`, { method: 'DELETE' });
      expect(answer.status).toBe(204);
      await expect.poll(() => provided.provider.oracle.revokedGrants.length).toBe(before + 1);
      const after = await visitor.ask(`${url}/api/test/me`);
      expect(after.status, 'the session hung on it').toBe(401);
    });

    it('end with the session at log-out, and the provider can be told', async () => {
      await visitor.logIn(url);
      const before = provided.provider.oracle.revokedGrants.length;
      const { endSessionUrl: next } = (await (await visitor.post(`${url}/auth/logout`)).json()) as {
        endSessionUrl: string;
      };
      expect(new URL(next).origin).toBe(provided.provider.issuer);
      expect(new URL(next).searchParams.has('id_token_hint'), 'an ID token in an address').toBe(false);
      await expect.poll(() => provided.provider.oracle.revokedGrants.length).toBe(before + 1);
      expect((await visitor.ask(`${url}/connections`)).status).toBe(401);
    });
  });

  it('stops at SIGTERM', async () => {
    expect(await provided.app.exit('SIGTERM')).toBe(0);
  });
});
