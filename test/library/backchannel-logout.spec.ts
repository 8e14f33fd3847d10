import { request as httpRequest } from 'node:http';
import { LogoutTokenEntity } from '@tokenward/nestjs';
import { DatabaseFaults } from '@tokenward/nestjs/testing';
import { generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabase, describeOnEachDatabase, type TestDatabase } from '../support/database.js';
import { type LoginApp, platforms, type Platform, startLogin, startLoginApp } from '../support/login-app.js';
import { type LoginProvider, SECRET } from '../support/login-provider.js';
import { Visitor } from '../support/visitor.js';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const CSRF = { headers: { 'x-tokenward-csrf': '1' } };

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

const sessionStatus = async ({ url }: LoginApp, visitor: Visitor): Promise<number> =>
  (await visitor.get(`${url}/auth/session`, CSRF)).status;

const logIn = async ({ url }: LoginApp, name: string, provider = 'acme'): Promise<Visitor> => {
  const visitor = new Visitor();
  await visitor.get(await visitor.callbackAfterLogIn(url, { name, password: 'x' }, provider));
  return visitor;
};

const post = (
  { url }: LoginApp,
  body: URLSearchParams | string,
  { provider = 'acme', type = 'application/x-www-form-urlencoded' } = {},
): Promise<Response> =>
  fetch(`${url}/auth/backchannel-logout/${provider}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: body.toString(),
  });

const send = (app: LoginApp, token: string, provider?: string): Promise<Response> =>
  post(app, new URLSearchParams({ logout_token: token }), provider === undefined ? {} : { provider });

/** What the provider calls the sessions of a user, the newest first. */
const sidsOf = async ({ sessions }: LoginApp, userId: string): Promise<string[]> =>
  (await sessions.list({ userId })).map(({ login }) => login!.sid!);

const tokenStatus = async (
  { tokens }: LoginApp,
  userId: string,
  provider: string,
): Promise<string | undefined> => (await tokens.listTokens({ userId, provider }))[0]?.status;

const goodClaims = ({ issuer }: LoginProvider, more: JWTPayload = {}): JWTPayload => ({
  iss: issuer,
  aud: 'app',
  iat: nowSeconds(),
  exp: nowSeconds() + 120,
  jti: crypto.randomUUID(),
  sub: 'ada',
  events: { [EVENT]: {} },
  ...more,
});

describe.each(Object.keys(platforms) as Platform[])(
  'A log-out that a provider announces on %s',
  (platform) => {
    let database: TestDatabase;
    let provider: LoginProvider;
    let app: LoginApp;
    let stop: () => Promise<void>;
    let ada: Visitor;

    beforeAll(async () => {
      database = await createDatabase('sqlite');
      ({ app, provider, stop } = await startLogin(database, { platform }));
    });
    afterAll(async () => {
      await stop();
      await database.drop();
    });
    beforeEach(async () => {
      ada = await logIn(app, 'ada');
      app.events.length = 0;
    });

    const ended = (): unknown[] => app.events.filter(({ type }) => type === 'session_ended');

    it('ends the sessions of that user, and no others', async () => {
      const bob = await logIn(app, 'bob');
      app.events.length = 0;
      const answer = await send(app, await provider.sign(goodClaims(provider), { typ: 'logout+jwt' }));
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(await answer.text()).toBe('');
      expect([await sessionStatus(app, ada), await sessionStatus(app, bob)]).toEqual([401, 200]);
      expect(app.events).toContainEqual({
        type: 'logout_token',
        provider: 'acme',
        outcome: 'accepted',
        ended: 1,
      });
    });

    it('is good once', async () => {
      const token = await provider.sign(goodClaims(provider));
      expect((await send(app, token)).status).toBe(200);
      const again = await logIn(app, 'ada');
      expect((await send(app, token)).status).toBe(400);
      expect(await sessionStatus(app, again)).toBe(200);
    });

    type Bad = [what: string, make: () => Promise<string> | string];
    const claims = (more: JWTPayload) => () => provider.sign(goodClaims(provider, more));
    const header = (more: Record<string, unknown>) => () => provider.sign(goodClaims(provider), more);
    const without = (claim: string) => () => {
      const { [claim]: _, ...rest } = goodClaims(provider);
      return provider.sign(rest);
    };
    const bad: Bad[] = [
      ['another issuer', claims({ iss: 'https://evil.example' })],
      [
        'the issuer with a slash more',
        () => provider.sign(goodClaims(provider, { iss: `${provider.issuer}/` })),
      ],
      ['no issuer', without('iss')],
      ['another audience', claims({ aud: 'someone-else' })],
      ['an empty list of audiences', claims({ aud: [] })],
      ['no audience', without('aud')],
      ['no iat', without('iat')],
      ['an iat that is no number', claims({ iat: 'now' as never })],
      ['an iat to come', claims({ iat: nowSeconds() + 3600 })],
      ['an iat long ago', claims({ iat: nowSeconds() - 3600 })],
      ['no exp', without('exp')],
      ['an exp that is past', claims({ exp: nowSeconds() - 120 })],
      ['an exp that is no number', claims({ exp: 'never' as never })],
      ['no jti', without('jti')],
      ['an empty jti', claims({ jti: '' })],
      ['an endless jti', claims({ jti: 'x'.repeat(256) })],
      ['neither sub nor sid', without('sub')],
      ['an empty sub', claims({ sub: '' })],
      ['a sub that is no string', claims({ sub: 42 as never })],
      ['a sid that is no string', claims({ sid: ['a'] })],
      ['a sub that is null', claims({ sub: null as never })],
      ['no events', without('events')],
      ['events without the log-out', claims({ events: { 'https://example.com/other': {} } })],
      ['events as a list', claims({ events: [EVENT] })],
      ['an event that is no object', claims({ events: { [EVENT]: true } })],
      ['an event that is a list', claims({ events: { [EVENT]: [] } })],
      ['a nonce', claims({ nonce: 'n' })],
      ['a nonce of null', claims({ nonce: null })],
      ['the type of an access token', header({ typ: 'at+jwt' })],
      ['an unknown extension that is critical', header({ crit: ['x'], x: 1 })],
      ['a key that the provider does not have', header({ kid: 'unknown' })],
      ['the algorithm none', () => new UnsecuredJWT(goodClaims(provider)).encode()],
      [
        'the algorithm None, spelt otherwise',
        () => {
          const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
          return `${part({ alg: 'None' })}.${part(goodClaims(provider))}.`;
        },
      ],
      [
        'an HMAC by the client secret',
        () =>
          new SignJWT(goodClaims(provider))
            .setProtectedHeader({ alg: 'HS256' })
            .sign(new TextEncoder().encode(SECRET)),
      ],
      [
        'the signature of another key',
        async () => {
          const { privateKey } = await generateKeyPair('ES256');
          return new SignJWT(goodClaims(provider))
            .setProtectedHeader({ alg: 'ES256', kid: 'log-in' })
            .sign(privateKey);
        },
      ],
      [
        'another user put into it',
        async () => {
          const [head, , signature] = (await provider.sign(goodClaims(provider, { sub: 'eve' }))).split('.');
          const payload = Buffer.from(JSON.stringify(goodClaims(provider))).toString('base64url');
          return `${head}.${payload}.${signature}`;
        },
      ],
      ['no signature', async () => (await provider.sign(goodClaims(provider))).replace(/[^.]+$/, '')],
      ['an ID token', claims({ events: undefined, nonce: 'n', sid: 's' })],
      ['a text that is no token', () => 'hello'],
      ['nothing', () => ''],
      ['more than there is room for', claims({ padding: 'x'.repeat(20_000) })],
    ];

    it('is tried with more than 30 bad tokens', () => {
      expect(bad.length).toBeGreaterThanOrEqual(30);
    });

    it.each(bad)('is refused with %s, and ends nothing', async (_what, make) => {
      const answer = await send(app, await make());
      expect(answer.status).toBe(400);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(await answer.json()).toEqual({
        error: 'invalid_request',
        error_description: expect.any(String),
      });
      expect(ended()).toEqual([]);
      expect(await sessionStatus(app, ada)).toBe(200);
    });

    it.each([
      ['twice the parameter', (token: string) => `logout_token=${token}&logout_token=${token}`, {}],
      ['a parameter of another name', (token: string) => `token=${token}`, {}],
      ['a list', (token: string) => `logout_token[]=${token}`, {}],
      ['JSON', (token: string) => JSON.stringify({ logout_token: token }), { type: 'application/json' }],
      [
        'a provider that is not configured',
        (token: string) => `logout_token=${token}`,
        { provider: 'elsewhere' },
      ],
    ])('is refused as %s', async (_what, body, options) => {
      const answer = await post(app, body(await provider.sign(goodClaims(provider))), options);
      expect(answer.status).toBe(400);
      expect(ended()).toEqual([]);
    });

    it('is refused without a body', async () => {
      const answer = await fetch(`${app.url}/auth/backchannel-logout/acme`, { method: 'POST' });
      expect(answer.status).toBe(400);
    });

    it('is not for another client of the same provider', async () => {
      const answer = await send(app, await provider.sign(goodClaims(provider)), 'strict');
      expect(answer.status).toBe(400);
      expect(await sessionStatus(app, ada)).toBe(200);
    });

    it('may name a session, and ends that one', async () => {
      const [phone] = await app.sessions.list({ userId: 'acme:ada' });
      const laptop = await logIn(app, 'ada');
      expect(phone!.login!.sid).toMatch(/./);
      await send(app, await provider.sign(goodClaims(provider, { sid: phone!.login!.sid! })));
      expect([await sessionStatus(app, ada), await sessionStatus(app, laptop)]).toEqual([401, 200]);
    });

    it('revokes tokens that are not for when the user is away, and leaves those that are', async () => {
      const other = await logIn(app, 'ada', 'other');
      expect(await sessionStatus(app, other)).toBe(200);
      await send(app, await provider.sign(goodClaims(provider)), 'other');
      await send(app, await provider.sign(goodClaims(provider)));
      const status = async (name: string): Promise<string | undefined> =>
        (await app.tokens.listTokens({ userId: `${name}:ada`, provider: name }))[0]?.status;
      expect([await status('acme'), await status('other')]).toEqual(['active', 'revoked']);
    });

    it('may name a device, and leaves the others logged in, with the tokens that they share with it', async () => {
      const [phone, laptop] = [await logIn(app, 'ben', 'other'), await logIn(app, 'ben', 'other')];
      const [newer, older] = await sidsOf(app, 'other:ben');
      const end = async (sid: string): Promise<number> =>
        (await send(app, await provider.sign(goodClaims(provider, { sub: 'ben', sid })), 'other')).status;
      expect(await end(older!)).toBe(200);
      expect([await sessionStatus(app, phone), await sessionStatus(app, laptop)]).toEqual([401, 200]);
      expect(await tokenStatus(app, 'other:ben', 'other')).toBe('active');
      expect(await end(newer!)).toBe(200);
      expect(await sessionStatus(app, laptop)).toBe(401);
      expect(await tokenStatus(app, 'other:ben', 'other')).toBe('revoked');
    });

    it('that failed half-way is finished when the same token comes again', async () => {
      const cleo = await logIn(app, 'cleo', 'other');
      const token = await provider.sign(goodClaims(provider, { sub: 'cleo' }));
      new DatabaseFaults(app.dataSource).fail(/SELECT lookup,/, 'before');
      expect((await send(app, token, 'other')).status).toBe(400);
      expect((await send(app, token, 'other')).status).toBe(200);
      expect(await sessionStatus(app, cleo)).toBe(401);
      expect(await tokenStatus(app, 'other:cleo', 'other')).toBe('revoked');
    });

    it('comes from the real provider when the user logs out there, and its pages are told', async () => {
      const stream = await ada.get(`${app.url}/auth/session/events`);
      expect(stream.headers.get('content-type')).toMatch('text/event-stream');
      const told = stream.text();
      const page = await ada.get(`${provider.issuer}/session/end`);
      const xsrf = /name="xsrf" value="(\w+)"/.exec(await page.text())![1]!;
      const answer = await ada.get(`${provider.issuer}/session/end/confirm`, {
        method: 'POST',
        body: new URLSearchParams({ xsrf, logout: 'yes' }),
      });
      expect(answer.status).toBe(303);
      expect(await sessionStatus(app, ada)).toBe(401);
      expect(await told).toMatch(/event: open[^]*event: ended/);
    });

    describe('A page that listens for the end of its session', () => {
      it('is told when the user logs out in another tab', async () => {
        const told = (await ada.get(`${app.url}/auth/session/events`)).text();
        await ada.post(`${app.url}/auth/logout`);
        expect(await told).toMatch('event: ended');
      });

      it('needs a session', async () => {
        const answer = await fetch(`${app.url}/auth/session/events`);
        expect([answer.status, answer.headers.get('content-type')]).toEqual([
          401,
          expect.stringMatching('application/problem'),
        ]);
      });

      it.each<Record<string, string>>([
        { 'sec-fetch-site': 'same-site' },
        { origin: 'https://sibling.example' },
      ])('is not one of another origin: %o', async (headers) => {
        expect((await ada.get(`${app.url}/auth/session/events`, { headers })).status).toBe(403);
      });

      it('is one of a few', async () => {
        const aborts = Array.from({ length: 10 }, () => new AbortController());
        for (const { signal } of aborts)
          expect((await ada.get(`${app.url}/auth/session/events`, { signal })).status).toBe(200);
        expect((await ada.get(`${app.url}/auth/session/events`)).status).toBe(429);
        for (const abort of aborts) abort.abort();
        const last = new AbortController();
        await vi.waitFor(async () => {
          const answer = await ada.get(`${app.url}/auth/session/events`, { signal: last.signal });
          expect(answer.status).toBe(200);
        });
        last.abort();
      });
    });
  },
);

describeOnEachDatabase('Logout tokens', ({ createDatabase: create }) => {
  let database: TestDatabase;
  let provider: LoginProvider;
  let app: LoginApp;
  let other: LoginApp;
  let stop: () => Promise<void>;

  beforeAll(async () => {
    database = await create();
    ({ app, provider, stop } = await startLogin(database));
    other = await startLoginApp(database, provider);
  });
  afterAll(async () => {
    await other?.close();
    await stop();
    await database.drop();
  });

  it('are good once at all replicas together', async () => {
    const ada = await logIn(app, 'ada');
    const token = await provider.sign(goodClaims(provider));
    const answers = await Promise.all([app, other, app, other].map((replica) => send(replica, token)));
    expect(answers.map(({ status }) => String(status)).toSorted()).toEqual(['200', '400', '400', '400']);
    await vi.waitFor(async () => expect(await sessionStatus(app, ada)).toBe(401));
  });

  it('of two devices at the same moment leave no tokens behind that both had', async () => {
    await logIn(app, 'dan', 'other');
    await logIn(app, 'dan', 'other');
    const [newer, older] = await sidsOf(app, 'other:dan');
    const end = async (replica: LoginApp, sid: string): Promise<number> =>
      (await send(replica, await provider.sign(goodClaims(provider, { sub: 'dan', sid })), 'other')).status;
    const held = new DatabaseFaults(app.dataSource).hold(/UPDATE \S*tokenward_sessions\S* SET ended_at/);
    const first = end(app, older!);
    await held.reached;
    expect(await end(other, newer!)).toBe(200);
    held.release();
    expect(await first).toBe(200);
    expect(await tokenStatus(app, 'other:dan', 'other')).toBe('revoked');
  });

  it('are remembered for no longer than they could be used again', async () => {
    const rows = app.dataSource.getRepository(LogoutTokenEntity);
    const [row] = await rows.find();
    expect(row!.expiresAt - Date.now()).toBeLessThan(700_000);
    await app.dataSource.createQueryBuilder().update(LogoutTokenEntity).set({ expiresAt: 1 }).execute();
    await send(app, await provider.sign(goodClaims(provider)));
    expect(await rows.count()).toBe(1);
  });

  it('end the process’s streams with it', async () => {
    const replica = await startLoginApp(database, provider);
    const ada = await logIn(app, 'ada');
    const told = new Promise<string>((resolve, reject) => {
      const headers = { cookie: ada.cookieFor(app.url) };
      httpRequest(`${replica.url}/auth/session/events`, { headers }, (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += String(chunk);
          if (text.includes('event: open')) void replica.close();
        });
        response.on('end', () => resolve(text));
      })
        .on('error', reject)
        .end();
    });
    expect(await told).not.toMatch('event: ended');
  });
});
