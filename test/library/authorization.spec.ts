import { AuthorizationEntity, ReauthorizationRequiredError, type TokenEvent } from '@tokenward/nestjs';
import { ageTokens, DatabaseFaults } from '@tokenward/nestjs/testing';
import { type CryptoKey, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import {
  type LoginApp,
  loginProviders,
  platforms,
  type Platform,
  startLogin,
  startLoginApp,
} from '../support/login-app.js';
import { type LoginProvider, SECRET } from '../support/login-provider.js';
import { Visitor } from '../support/visitor.js';

const titleOf = async (response: Response): Promise<string | undefined> =>
  /<h1>(.*?)<\/h1>/.exec(await response.text())?.[1];

const expireAll = async ({ dataSource }: LoginApp): Promise<void> => {
  await dataSource.createQueryBuilder().update(AuthorizationEntity).set({ expiresAt: 1 }).execute();
};

const signedWith = (claims: JWTPayload, key: CryptoKey): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'log-in' }).sign(key);

const CSRF = { headers: { 'x-tokenward-csrf': '1' } };
const userOfAda = { userId: 'acme:ada' };

describe.each(Object.keys(platforms) as Platform[])('Logging in on %s', (platform) => {
  let database: TestDatabase;
  let provider: LoginProvider;
  let app: LoginApp;
  let visitor: Visitor;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    database = await createDatabase('sqlite');
    ({ app, provider, stop } = await startLogin(database, { platform }));
  });
  afterAll(async () => {
    await stop();
    await database.drop();
  });
  beforeEach(() => {
    visitor = new Visitor();
    provider.idToken = null;
    app.events.length = 0;
  });

  const sessionOf = async (browser: Visitor): Promise<unknown> => {
    const answer = await browser.get(`${app.url}/auth/session`, CSRF);
    return answer.status === 200 ? ((await answer.json()) as { user: unknown }).user : answer.status;
  };
  const outcomes = (): string[] =>
    app.events.flatMap((event: TokenEvent) => (event.type === 'authorization' ? [event.outcome] : []));
  const callbackOf = (browser: Visitor, path = 'acme', form?: Record<string, string>): Promise<string> =>
    browser.callbackAfterLogIn(app.url, form, path);
  const logIn = async (browser: Visitor, path = 'acme', form?: Record<string, string>): Promise<Response> =>
    browser.get(await callbackOf(browser, path, form));
  const connect = async (
    browser: Visitor,
    path: string,
    form: Record<string, string> = { name: 'ada' },
  ): Promise<Response> => {
    const page = await browser.follow(`${app.url}/auth/connect/${path}`, `${app.url}/auth/callback`);
    if (page.response === null) return browser.get(page.url);
    if (!page.url.startsWith(provider.issuer)) return page.response;
    const submitted = await browser.get(page.url, { method: 'POST', body: new URLSearchParams(form) });
    const next = new URL(submitted.headers.get('location')!, page.url).href;
    return browser.get((await browser.follow(next, `${app.url}/auth/callback`)).url);
  };
  const scopeAt = async (name: string, account = 'default'): Promise<string | null | undefined> => {
    const [stored] = await app.tokens.listTokens({ ...userOfAda, provider: name, account });
    return stored?.scope;
  };

  it('ends in a session, with the tokens stored and nothing but a cookie in the browser', async () => {
    const answer = await logIn(visitor);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(visitor.cookieFor(app.url)).toMatch(/^tokenward=[\w-]{43}$/);
    expect(await sessionOf(visitor)).toEqual({ userId: 'acme:ada', name: 'ada', provider: 'acme' });
    expect((await app.tokens.getAccessToken({ ...userOfAda, provider: 'acme' })).value).toMatch(/./);
    expect(outcomes()).toEqual(['started', 'logged_in']);
  });

  it('asks the provider with PKCE, state and nonce, each time others', async () => {
    const ask = async (): Promise<URLSearchParams> =>
      new URL((await new Visitor().get(`${app.url}/auth/login/acme`)).headers.get('location')!).searchParams;
    const [one, two] = [await ask(), await ask()];
    expect(one.get('code_challenge_method')).toBe('S256');
    for (const secret of ['state', 'nonce', 'code_challenge']) {
      expect(one.get(secret)).toMatch(/^[\w-]{43}$/);
      expect(one.get(secret)).not.toBe(two.get(secret));
    }
    expect(one.get('redirect_uri')).toBe(`${app.url}/auth/callback/acme`);
  });

  it('never believes the host that a request names', async () => {
    const answer = await fetch(`${app.url}/auth/login/acme`, {
      redirect: 'manual',
      headers: { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' },
    });
    const { searchParams } = new URL(answer.headers.get('location')!);
    expect(searchParams.get('redirect_uri')).toBe(`${app.url}/auth/callback/acme`);
  });

  it('pushes and signs its request where the provider wants that', async () => {
    const { status, headers } = await visitor.get(`${app.url}/auth/login/strict`);
    const { searchParams } = new URL(headers.get('location')!);
    expect([status, [...searchParams.keys()].toSorted()]).toEqual([303, ['client_id', 'request_uri']]);
    expect((await logIn(visitor, 'strict')).headers.get('location')).toBe('/');
    expect(await sessionOf(visitor)).toMatchObject({ userId: 'strict:ada' });
  });

  it('binds the code and the tokens to a key where the provider does so', async () => {
    const { headers } = await visitor.get(`${app.url}/auth/login/bound`);
    expect(new URL(headers.get('location')!).searchParams.get('dpop_jkt')).toMatch(/^[\w-]{43}$/);
    expect((await logIn(visitor, 'bound')).status).toBe(303);
    const ref = { userId: 'bound:ada', provider: 'bound' };
    expect((await app.tokens.getAccessToken(ref)).tokenType).toBe('DPoP');
    expect((await app.tokens.refreshTokens(ref)).tokenType).toBe('DPoP');
  });

  it('goes back to where the user came from, and nowhere else', async () => {
    const to = async (path: string): Promise<string | null> =>
      (await logIn(new Visitor(), `acme?returnTo=${encodeURIComponent(path)}`)).headers.get('location');
    expect(await to('/inbox?page=2#top')).toBe('/inbox?page=2#top');
    expect(await to('//evil.example')).toBe('/');
    expect(await to('/auth/login/acme')).toBe('/');
  });

  it('knows no provider that is not configured', async () => {
    for (const name of ['elsewhere', '__proto__', 'constructor', '%00'])
      expect((await visitor.get(`${app.url}/auth/login/${name}`)).status).toBe(404);
    expect((await visitor.get(`${app.url}/auth/callback/elsewhere?state=x`)).status).toBe(404);
  });

  it('does not let in whoever knew the session from before (session fixation)', async () => {
    await logIn(visitor);
    const before = visitor.cookieFor(app.url);
    await logIn(visitor);
    expect(visitor.cookieFor(app.url)).not.toBe(before);
    const old = await fetch(`${app.url}/auth/session`, { headers: { ...CSRF.headers, cookie: before } });
    expect(old.status).toBe(401);
  });

  describe('is refused, and nothing is stored,', () => {
    it.each([
      ['with another state', (url: URL) => url.searchParams.set('state', 'a'.repeat(43)), 400],
      ['with no state', (url: URL) => url.searchParams.delete('state'), 400],
      ['with two states', (url: URL) => url.searchParams.append('state', 'b'), 400],
      ['with another code', (url: URL) => url.searchParams.set('code', 'made-up'), 502],
      ['with no code', (url: URL) => url.searchParams.delete('code'), 502],
      ['with two codes', (url: URL) => url.searchParams.append('code', 'b'), 502],
      ['with another issuer', (url: URL) => url.searchParams.set('iss', 'http://localhost:9'), 502],
      ['with no issuer', (url: URL) => url.searchParams.delete('iss'), 502],
      ['at the callback of another provider', (url: URL) => (url.pathname = '/auth/callback/other'), 400],
      ['with an endless query', (url: URL) => url.searchParams.set('x', 'y'.repeat(9000)), 400],
      ['with an error instead of a code', (url: URL) => url.searchParams.set('error', 'server_error'), 503],
      ['with an unheard-of error', (url: URL) => url.searchParams.set('error', '<script>'), 502],
    ])('an answer %s', async (_what, tamper, status) => {
      const callback = new URL(await callbackOf(visitor));
      tamper(callback);
      const answer = await visitor.get(callback.href);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(answer.headers.get('content-security-policy')).toMatch("default-src 'none'");
      expect(await answer.text()).not.toMatch(/script|\bat .*\.js|Error/);
      expect(await sessionOf(visitor)).toBe(401);
      expect(outcomes().slice(1)).not.toContain('logged_in');
    });

    it('an answer that comes a second time, as with the "back" button', async () => {
      const callback = await callbackOf(visitor);
      await visitor.get(callback);
      const again = await visitor.get(callback);
      expect([again.status, await titleOf(again)]).toEqual([400, 'This log-in is no longer valid']);
      expect(await sessionOf(visitor), 'who is logged in stays so').toMatchObject({ userId: 'acme:ada' });
    });

    it('an answer that another browser brings, also one that is logging in itself', async () => {
      const callback = await callbackOf(visitor);
      const other = new Visitor();
      await other.get(`${app.url}/auth/login/acme`);
      expect((await other.get(callback)).status).toBe(400);
      expect((await new Visitor().get(callback)).status).toBe(400);
      expect((await visitor.get(callback)).status, 'it stays good where it belongs').toBe(303);
    });

    it('an answer from which a second cookie of that name has come along', async () => {
      const callback = await callbackOf(visitor);
      const cookie = `${visitor.cookieFor(app.url)}; tokenward-login=${'a'.repeat(43)}`;
      expect((await fetch(callback, { redirect: 'manual', headers: { cookie } })).status).toBe(400);
    });

    it('an answer that took too long', async () => {
      const callback = await callbackOf(visitor);
      await expireAll(app);
      expect((await visitor.get(callback)).status).toBe(400);
    });

    it.each([
      ['a wrong nonce', { nonce: 'x'.repeat(43) }],
      ['no nonce', { nonce: undefined }],
      ['another issuer', { iss: 'https://evil.example' }],
      ['another audience', { aud: 'someone-else' }],
      ['several audiences and nobody named', { aud: ['app', 'someone-else'] }],
      ['another authorized party', { azp: 'someone-else' }],
      ['an end that is past', { exp: 1 }],
      ['no end', { exp: undefined }],
      ['no beginning', { iat: undefined }],
      ['no subject', { sub: undefined }],
      ['an empty subject', { sub: '' }],
    ])('an ID token with %s', async (_what, changed) => {
      provider.idToken = (claims) => ({ ...claims, ...changed });
      const answer = await logIn(visitor);
      expect([answer.status, await titleOf(answer)]).toEqual([502, 'The log-in did not work']);
      expect(await sessionOf(visitor)).toBe(401);
      expect(outcomes()).toEqual(['started', 'refused']);
    });

    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    it.each<[string, (claims: JWTPayload, original: string) => string | Promise<string>]>([
      [
        'is signed by somebody else',
        async (claims) => signedWith(claims, (await generateKeyPair('ES256')).privateKey),
      ],
      [
        'has had another user put into it',
        ({ ...claims }, original) => {
          const [head, , signature] = original.split('.');
          return `${head}.${part({ ...claims, sub: 'eve' })}.${signature}`;
        },
      ],
      ['has lost its signature', (_claims, original) => original.replace(/[^.]+$/, '')],
      ['is not signed at all', (claims) => `${part({ alg: 'none' })}.${part(claims)}.`],
      [
        'is signed with the client secret',
        (claims) =>
          new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(SECRET)),
      ],
      ['is no token', () => 'hello'],
      ['is missing', () => ''],
    ])('an ID token that %s', async (_what, put) => {
      provider.idToken = put;
      expect((await logIn(visitor)).status).toBe(502);
      expect(await sessionOf(visitor)).toBe(401);
    });

    it('a provider that says no, in words for the person who has said it', async () => {
      const answer = await logIn(visitor, 'acme', { cancel: 'yes' });
      expect([answer.status, await titleOf(answer)]).toEqual([403, 'You are not logged in']);
      expect(outcomes()).toEqual(['started', 'declined']);
    });

    it('a provider that is away', async () => {
      const callback = await callbackOf(visitor);
      provider.faults.fail(503);
      const answer = await visitor.get(callback);
      expect([answer.status, await titleOf(answer)]).toEqual([503, 'The provider cannot be reached']);
    });

    it.each([
      'scope=admin',
      'scope=openid%20admin',
      'scope=a%0Ab',
      'scope=a&scope=b',
      'account=%2e%2e%2f',
      `account=${'a'.repeat(65)}`,
      'returnTo[]=x&returnTo=y',
      `returnTo=${'/'.padEnd(3000, 'x')}`,
    ])('a link with ?%s', async (query) => {
      const { status, headers } = await visitor.get(`${app.url}/auth/login/acme?${query}`);
      // What a query parser makes a list of is a fault; a name it does not know is none.
      expect([400, ...(query.startsWith('returnTo[]') ? [303] : [])]).toContain(status);
      expect(headers.get('location') ?? provider.issuer).toMatch(provider.issuer);
    });
  });

  describe('with more scope', () => {
    it('asks for what was granted before as well, and stores what the provider says', async () => {
      await logIn(visitor);
      expect(await scopeAt('acme')).toBe('openid profile offline_access');
      expect((await connect(visitor, 'acme?scope=read')).status).toBe(303);
      expect(await scopeAt('acme')).toBe('openid profile offline_access read');
      expect((await connect(visitor, 'acme?scope=write')).status).toBe(303);
      expect(await scopeAt('acme')).toBe('openid profile offline_access read write');
      expect(outcomes().filter((outcome) => outcome === 'connected')).toHaveLength(2);
    });

    it('keeps what was there when the user allows less, and says so', async () => {
      await logIn(visitor);
      await connect(visitor, 'acme?scope=read');
      const answer = await connect(visitor, 'acme?scope=write', { name: 'ada', refuse: 'read' });
      expect([answer.status, await titleOf(answer)]).toEqual([403, 'Not everything was allowed']);
      expect(await scopeAt('acme')).toMatch('read');
    });

    it('a later log-in, which asks for less, takes nothing away', async () => {
      await logIn(visitor);
      await connect(visitor, 'acme?scope=api');
      const before = await app.tokens.getAccessToken({ ...userOfAda, provider: 'acme' });
      await logIn(new Visitor());
      expect(outcomes().at(-1)).toBe('logged_in_with_less');
      expect((await app.tokens.getAccessToken({ ...userOfAda, provider: 'acme' })).value).toBe(before.value);
      expect(await scopeAt('acme')).toMatch('api');
    });

    it('needs a session, and a page of this application', async () => {
      expect((await visitor.get(`${app.url}/auth/connect/acme`)).status).toBe(401);
      await logIn(visitor);
      for (const site of ['cross-site', 'same-site']) {
        const headers = { 'sec-fetch-site': site };
        expect((await visitor.get(`${app.url}/auth/connect/acme?scope=read`, { headers })).status).toBe(403);
      }
    });
  });

  it('asks for no more than always because of a link of another site', async () => {
    await logIn(visitor);
    const askedFrom = async (site: string, scope: string): Promise<number> => {
      const headers = { 'sec-fetch-site': site };
      return (await visitor.get(`${app.url}/auth/login/acme?scope=${scope}`, { headers })).status;
    };
    for (const site of ['cross-site', 'same-site']) {
      expect(await askedFrom(site, 'read')).toBe(403);
      expect(await askedFrom(site, 'profile')).toBe(303);
    }
    for (const site of ['same-origin', 'none']) expect(await askedFrom(site, 'read')).toBe(303);
    expect(outcomes()).toContain('cross_site');
  });

  it('begins with a navigation only', async () => {
    for (const dest of ['image', 'iframe', 'empty']) {
      const headers = { 'sec-fetch-dest': dest };
      expect((await visitor.get(`${app.url}/auth/login/acme`, { headers })).status).toBe(400);
    }
    // Browsers send nothing else with the handshake of a WebSocket.
    const headers = { origin: 'https://elsewhere.example' };
    expect((await visitor.get(`${app.url}/auth/login/acme`, { headers })).status).toBe(400);
  });

  it('stores what it gets where the tokens that cover more are of no use any more', async () => {
    const ref = { userId: 'acme:kim', provider: 'acme' };
    await app.tokens.storeTokens(ref, { access_token: 'old', scope: 'openid api', expires_in: 1 });
    await expect.poll(() => app.tokens.getAccessToken(ref).catch(() => null)).toBeNull();
    await logIn(visitor, 'acme', { name: 'kim', password: 'x' });
    expect(outcomes().at(-1)).toBe('logged_in');
    expect((await app.tokens.getAccessToken(ref)).value).not.toBe('old');
  });

  it('connects other providers and further accounts to the same user', async () => {
    await logIn(visitor);
    const before = visitor.cookieFor(app.url);
    expect((await connect(visitor, 'other')).status).toBe(303);
    expect((await connect(visitor, 'acme?account=work')).status).toBe(303);
    expect(visitor.cookieFor(app.url), 'the session goes on').toBe(before);
    expect(await scopeAt('other')).toBe('openid profile');
    expect(await scopeAt('acme', 'work')).toMatch('openid');
    expect(await sessionOf(visitor)).toMatchObject({ userId: 'acme:ada', provider: 'acme' });
  });

  it('connects nothing because of a link of another site, though anybody may be sent to log in', async () => {
    const comeFrom = async (browser: Visitor, name: string): Promise<Response> => {
      const headers = { 'sec-fetch-site': 'cross-site' };
      const { headers: sent } = await browser.get(`${app.url}/auth/login/${name}`, { headers });
      const page = await browser.follow(sent.get('location')!, `${app.url}/auth/callback`);
      if (page.response === null) return browser.get(page.url);
      const body = new URLSearchParams({ name: 'lea' });
      const submitted = await browser.get(page.url, { method: 'POST', body });
      const next = new URL(submitted.headers.get('location')!, page.url).href;
      return browser.get((await browser.follow(next, `${app.url}/auth/callback`)).url);
    };
    expect((await comeFrom(visitor, 'acme')).status).toBe(303);
    expect(await sessionOf(visitor)).toMatchObject({ userId: 'acme:lea' });
    expect((await comeFrom(visitor, 'other')).status).toBe(403);
    expect(await app.tokens.listTokens({ userId: 'acme:lea', provider: 'other' })).toEqual([]);
  });

  it('does not connect an account to whoever has logged in meanwhile', async () => {
    await logIn(visitor);
    const { headers } = await visitor.get(`${app.url}/auth/connect/acme?account=mine`);
    const page = await visitor.follow(headers.get('location')!);
    const submitted = await visitor.get(page.url, {
      method: 'POST',
      body: new URLSearchParams({ name: 'ada' }),
    });
    const next = new URL(submitted.headers.get('location')!, page.url).href;
    const callback = (await visitor.follow(next, `${app.url}/auth/callback`)).url;
    await visitor.post(`${app.url}/auth/logout`);
    expect((await visitor.get(callback)).status).toBe(400);
    expect(await scopeAt('acme', 'mine')).toBeUndefined();
  });

  it('says so when another account is connected under that name already', async () => {
    await logIn(visitor);
    visitor.forget(provider.issuer);
    const answer = await connect(visitor, 'acme', { name: 'bob' });
    expect([answer.status, await titleOf(answer)]).toEqual([409, 'That is another account']);
  });

  it('of one browser many times at once is bounded', async () => {
    const begin = (): Promise<Response> => visitor.get(`${app.url}/auth/login/acme`);
    for (let tab = 0; tab < 10; tab++) expect((await begin()).status).toBe(303);
    const answer = await begin();
    expect([answer.status, await titleOf(answer)]).toEqual([429, 'Too many log-ins at once']);
    expect((await new Visitor().get(`${app.url}/auth/login/acme`)).status).toBe(303);
  });

  it('in two tabs at once works in both', async () => {
    const [one, two] = [await callbackOf(visitor), await callbackOf(visitor)];
    expect((await visitor.get(one)).status).toBe(303);
    expect((await visitor.get(two)).status).toBe(303);
  });

  describe('and then', () => {
    it('a page learns who is logged in and until when', async () => {
      await logIn(visitor);
      const answer = await visitor.get(`${app.url}/auth/session`, CSRF);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const body = (await answer.json()) as Record<string, string>;
      expect(body).toMatchObject({ authenticated: true, user: { userId: 'acme:ada' } });
      expect(Date.parse(body['idleExpiresAt']!)).toBeLessThan(Date.parse(body['expiresAt']!));
    });

    it('a page without a session is told in a problem document', async () => {
      const answer = await visitor.get(`${app.url}/auth/session`, CSRF);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        401,
        expect.stringMatching(/^application\/problem\+json/),
      ]);
      expect(await answer.json()).toMatchObject({ code: 'SESSION_REQUIRED' });
    });

    it.each([
      ['GET', '/session'],
      ['GET', '/sessions'],
      ['POST', '/logout'],
      ['POST', '/sessions/end-others'],
      ['POST', '/token/acme'],
      ['DELETE', '/sessions/x'],
    ])('%s %s needs the header that other sites cannot send', async (method, path) => {
      await logIn(visitor);
      expect((await visitor.get(`${app.url}/auth${path}`, { method })).status).toBe(403);
    });

    it('a user sees and ends their other sessions, and nobody else’s', async () => {
      const phone = new Visitor();
      await logIn(visitor, 'acme', { name: 'eve', password: 'x' });
      await logIn(phone, 'acme', { name: 'eve', password: 'x' });
      const list = (await (await visitor.get(`${app.url}/auth/sessions`, CSRF)).json()) as {
        handle: string;
        isCurrent: boolean;
      }[];
      expect(list.map(({ isCurrent }) => isCurrent)).toEqual([false, true]);
      const stranger = new Visitor();
      await logIn(stranger);
      const end = (browser: Visitor): Promise<Response> =>
        browser.post(`${app.url}/auth/sessions/${list[0]!.handle}`, { method: 'DELETE' });
      expect((await end(stranger)).status).toBe(404);
      expect((await end(visitor)).status).toBe(204);
      expect(await sessionOf(phone)).toBe(401);
      await logIn(phone, 'acme', { name: 'eve', password: 'x' });
      const others = await visitor.post(`${app.url}/auth/sessions/end-others`);
      expect(await others.json()).toEqual({ ended: 1 });
      expect([await sessionOf(phone), await sessionOf(visitor)]).toEqual([
        401,
        expect.objectContaining({ userId: 'acme:eve' }),
      ]);
    });

    it('logging out ends the session and revokes its tokens at once', async () => {
      await logIn(visitor, 'acme', { name: 'fay', password: 'x' });
      const before = provider.oracle.revokedGrants.length;
      const answer = await visitor.post(`${app.url}/auth/logout`);
      const { endSessionUrl } = (await answer.json()) as { endSessionUrl: string };
      const { origin, searchParams } = new URL(endSessionUrl);
      expect([origin, searchParams.get('client_id')]).toEqual([provider.issuer, 'app']);
      expect(searchParams.get('post_logout_redirect_uri')).toBe(`${app.url}/`);
      expect(searchParams.has('id_token_hint'), 'an ID token in an address').toBe(false);
      expect(await sessionOf(visitor)).toBe(401);
      expect(visitor.cookieFor(app.url)).toBe('');
      await expect.poll(() => provider.oracle.revokedGrants.length).toBe(before + 1);
      expect((await visitor.get(endSessionUrl)).status).toBe(200);
    });

    it('the page gets an access token where that is switched on, and nothing that lasts longer', async () => {
      await logIn(visitor, 'acme', { name: 'gil', password: 'x' });
      const answer = await visitor.post(`${app.url}/auth/token/acme`);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const body = (await answer.json()) as Record<string, unknown>;
      expect(Object.keys(body).toSorted()).toEqual(['access_token', 'expires_in', 'scope', 'token_type']);
      expect((await visitor.post(`${app.url}/auth/token/strict`)).status).toBe(404);
      expect((await new Visitor().post(`${app.url}/auth/token/acme`)).status).toBe(401);
    });

    it('all tabs whose token an API has refused before its time get the same newer one', async () => {
      await logIn(visitor, 'acme', { name: 'hal', password: 'x' });
      const tokenFor = async (headers: Record<string, string> = {}): Promise<unknown> => {
        const answer = await visitor.post(`${app.url}/auth/token/acme`, {
          headers: { ...CSRF.headers, ...headers },
        });
        return ((await answer.json()) as { access_token: unknown }).access_token;
      };
      const before = await tokenFor();
      const refused = { 'x-tokenward-refused': '1' };
      const [one, two] = await Promise.all([tokenFor(refused), tokenFor(refused)]);
      expect(one).not.toBe(before);
      expect([two, await tokenFor(refused), await tokenFor()]).toEqual([one, one, one]);
      expect(app.events.filter(({ type }) => type === 'refresh')).toHaveLength(1);
    });

    it('an account that is not connected, or needs a new log-in, is no reason to log the user out', async () => {
      await logIn(visitor);
      const codeFor = async (headers: Record<string, string> = {}): Promise<unknown> => {
        const answer = await visitor.post(`${app.url}/auth/token/other`, {
          headers: { ...CSRF.headers, ...headers },
        });
        const { code, access_token: token } = (await answer.json()) as Record<string, unknown>;
        return [answer.status, code ?? typeof token];
      };
      await app.tokens.revokeTokens({ ...userOfAda, provider: 'other' });
      expect(await codeFor()).toEqual([403, 'TOKEN_NOT_FOUND']);
      const store = () =>
        app.tokens.storeTokens(
          { ...userOfAda, provider: 'other' },
          { access_token: 'cannot be refreshed', token_type: 'Bearer', expires_in: 60 },
        );
      await store();
      expect(await codeFor({ 'x-tokenward-refused': '1' })).toEqual([200, 'string']);
      await store();
      await ageTokens(app.dataSource, 3_600);
      expect(await codeFor()).toEqual([403, 'REAUTHORIZATION_REQUIRED']);
      expect(await sessionOf(visitor)).toMatchObject(userOfAda);
    });
  });
});

describeOnEachDatabase('Log-ins under way', ({ createDatabase: create }) => {
  let database: TestDatabase;
  let provider: LoginProvider;
  let app: LoginApp;
  let other: LoginApp;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    database = await create();
    ({ app, provider, stop } = await startLogin(database));
    other = await startLoginApp(database, provider, { authorization: { publicUrl: app.url } });
  });
  afterAll(async () => {
    await other.close();
    await stop();
    await database.drop();
  });

  const rows = (): Promise<AuthorizationEntity[]> => app.dataSource.getRepository(AuthorizationEntity).find();

  it('may end at another replica, once in all of them', async () => {
    const visitor = new Visitor();
    const callback = new URL(await visitor.callbackAfterLogIn(app.url, undefined, 'acme'));
    const headers = { cookie: visitor.cookieFor(app.url) };
    const answers = await Promise.all(
      [app, other, app, other].map(({ url }) =>
        fetch(`${url}${callback.pathname}${callback.search}`, { redirect: 'manual', headers }),
      ),
    );
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['303', '400', '400', '400']);
    expect(await rows()).toEqual([]);
  });

  it('end once also where two replicas have found the same at the same moment', async () => {
    const visitor = new Visitor();
    const callback = new URL(await visitor.callbackAfterLogIn(app.url, undefined, 'acme'));
    const headers = { cookie: visitor.cookieFor(app.url) };
    const come = ({ url }: LoginApp): Promise<Response> =>
      fetch(`${url}${callback.pathname}${callback.search}`, { redirect: 'manual', headers });
    const held = new DatabaseFaults(app.dataSource).hold(/DELETE FROM \S*tokenward_authorizations/);
    const first = come(app);
    await held.reached;
    expect((await come(other)).status).toBe(303);
    held.release();
    expect((await first).status).toBe(400);
  });

  it('show neither state, nor nonce, nor code verifier in the database', async () => {
    const visitor = new Visitor();
    const { headers } = await visitor.get(`${app.url}/auth/login/acme?returnTo=/a-secret-place`);
    const { searchParams } = new URL(headers.get('location')!);
    const text = JSON.stringify(await rows());
    expect(text).toContain('tm1.');
    for (const secret of [
      searchParams.get('state')!,
      searchParams.get('nonce')!,
      visitor.cookieFor(app.url).split('=')[1]!,
      'a-secret-place',
    ])
      expect(text).not.toContain(secret);
  });

  it('that nobody has ended are deleted, with the next log-in', async () => {
    await expireAll(app);
    await new Visitor().get(`${app.url}/auth/login/acme`);
    expect(await rows()).toHaveLength(1);
  });

  it('are bounded in all', async () => {
    const small = await startLoginApp(database, provider, {
      providers: loginProviders(provider),
      authorization: { limits: { inAll: 2 } },
    });
    await app.dataSource.getRepository(AuthorizationEntity).deleteAll();
    const begin = async (): Promise<number> =>
      (await new Visitor().get(`${small.url}/auth/login/acme`)).status;
    expect([await begin(), await begin(), await begin()]).toEqual([303, 303, 503]);
    expect(await rows()).toHaveLength(2);
    await small.close();
  });
});

it('hands no token to a page whose user has to log in again', async () => {
  const database = await createDatabase('sqlite');
  const { app, provider, stop } = await startLogin(database);
  const visitor = new Visitor();
  await visitor.get(await visitor.callbackAfterLogIn(app.url, undefined, 'acme'));
  provider.faults.fail(400, {}, { error: 'invalid_grant' });
  await expect(app.tokens.refreshTokens({ userId: 'acme:ada', provider: 'acme' })).rejects.toThrow(
    ReauthorizationRequiredError,
  );
  expect((await visitor.post(`${app.url}/auth/token/acme`)).status).toBe(401);
  await stop();
  await database.drop();
});
