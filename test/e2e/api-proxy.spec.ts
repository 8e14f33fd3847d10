import { buffer, json, text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answerTo, problemOf, startProxiedApp, type ProxiedApp } from '../support/proxied-app.js';

const limits = {
  requestBytes: 100_000,
  answerBytes: 100_000,
  firstByteSeconds: 1,
  idleSeconds: 1,
  callsAtOnce: 2,
};

describe('a call that is passed on to an API', () => {
  let app: ProxiedApp;

  beforeAll(async () => {
    app = await startProxiedApp(limits);
  });
  afterAll(() => app?.stop());
  afterEach(() => app.api.forget());

  const answerWith = (status: number, headers: Record<string, string | string[]>, body?: string): void => {
    app.api.answer = ({ request, response }) => {
      request.resume();
      response.writeHead(status, headers).end(body);
    };
  };
  const get = (path: string, headers: Record<string, string> = {}) =>
    answerTo(app.call(path, { headers }).end());

  describe('tells the API', () => {
    it('what a page may say, and nothing of the app, its session or its network', async () => {
      const said = {
        accept: 'text/x',
        'accept-encoding': 'gzip',
        'accept-language': 'de',
        'content-type': 'text/x; charset=utf-8',
        'content-length': '2',
        'idempotency-key': '"1"',
        'if-match': '"a"',
        'if-none-match': '"b"',
        'if-range': '"c"',
        prefer: 'return=minimal',
        range: 'bytes=0-1',
      };
      const unsaid = {
        authorization: 'Bearer of-the-page',
        dpop: 'proof',
        forwarded: 'for=192.0.2.1',
        origin: app.app.url,
        'proxy-authorization': 'Basic eDp5',
        referer: app.app.url,
        'sec-fetch-site': 'same-origin',
        te: 'trailers',
        traceparent: '00-0-0-0',
        'upgrade-insecure-requests': '1',
        via: '1.1 x',
        'x-forwarded-for': '192.0.2.1',
        'x-forwarded-host': 'elsewhere',
        'x-http-method-override': 'DELETE',
        'x-original-url': '/secret',
        'x-real-ip': '192.0.2.1',
        'x-tokenward-tenant': 'other',
      };
      await answerTo(
        app.call('/test/files/1', { method: 'POST', headers: { ...said, ...unsaid } }).end('{}'),
      );
      const { host, authorization, connection, ...headers } = app.api.arrivals[0]!.headers;
      expect(headers).toEqual({ ...said, 'user-agent': 'tokenward' });
      expect(host).toBe(new URL(app.api.origin).host);
      expect(authorization).toMatch(/^Bearer (?!of-the-page)/);
      expect(connection).toBe('keep-alive');
    });

    it('nothing that the browser has meant for the app alone', async () => {
      await get('/test/me', { connection: 'close, Range , If-Match', range: 'bytes=0-1', 'if-match': '"a"' });
      expect(app.api.arrivals[0]!.headers).not.toHaveProperty('range');
      expect(app.api.arrivals[0]!.headers).not.toHaveProperty('if-match');
    });

    it('nothing that a page has not said', async () => {
      await get('/test/me');
      const { headers } = app.api.arrivals[0]!;
      expect(Object.keys(headers).toSorted()).toEqual(['authorization', 'connection', 'host', 'user-agent']);
    });
  });

  describe('tells the page', () => {
    it('about the content, and nothing that is not for the page to have', async () => {
      const content = {
        'accept-ranges': 'bytes',
        'content-disposition': 'attachment; filename="a.txt"',
        'content-encoding': 'x-none',
        'content-language': 'de',
        'content-length': '2',
        'content-type': 'text/html',
        etag: '"a"',
        'last-modified': 'Fri, 27 Nov 2026 12:00:00 GMT',
        link: '<https://api.example.com/?page=2>; rel="next"',
        'retry-after': '7',
      };
      const others = {
        'access-control-allow-origin': '*',
        'access-control-allow-credentials': 'true',
        'alt-svc': 'h3=":443"',
        'clear-site-data': '"*"',
        'content-location': '/elsewhere',
        'content-security-policy': "default-src * 'unsafe-inline'",
        'dpop-nonce': 'nonce',
        'proxy-authenticate': 'Basic',
        'public-key-pins': 'x',
        refresh: '0; url=https://elsewhere.example',
        server: 'API/1',
        'service-worker-allowed': '/',
        'set-cookie': ['tokenward=mine; Path=/', '__Host-tokenward=mine'],
        sourcemap: '/map',
        'strict-transport-security': 'max-age=0',
        'www-authenticate': 'Basic realm="x"',
        'x-content-type-options': 'sniff',
        'x-powered-by': 'x',
      };
      answerWith(200, { ...content, ...others }, 'ok');
      const { headers } = await get('/test/me');
      expect(headers).toMatchObject({
        ...content,
        'content-security-policy': "sandbox; default-src 'none'",
        'cross-origin-resource-policy': 'same-origin',
        'x-content-type-options': 'nosniff',
      });
      const own = new Set(['content-security-policy', 'x-content-type-options']);
      for (const name of Object.keys(others).filter((other) => !own.has(other)))
        expect(headers, name).not.toHaveProperty(name);
    });

    it('nothing that the API has meant for the app alone', async () => {
      answerWith(200, { connection: 'close, ETag', etag: '"a"' }, 'ok');
      expect((await get('/test/me')).headers).not.toHaveProperty('etag');
    });

    it.each([
      [undefined, 'private, no-store'],
      ['public, s-maxage=60', 'private, no-store'],
      ['public, max-age=60, must-revalidate', 'private, max-age=60, must-revalidate'],
      ['No-Store', 'private, no-store'],
    ])('that %s means %s: no cache but its own keeps it', async (given, told) => {
      answerWith(200, { ...(given !== undefined && { 'cache-control': given }), vary: 'accept' }, 'ok');
      const { headers } = await get('/test/me');
      expect(headers['cache-control']).toBe(told);
      expect(headers['vary'], 'another user may log in').toBe('accept, cookie');
    });

    it('a compressed answer as it is', async () => {
      const gzip = Buffer.from('1f8b0800', 'hex');
      app.api.answer = ({ response }) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzip);
      const answer = await get('/test/me', { 'accept-encoding': 'gzip' });
      expect(answer.headers['content-encoding']).toBe('gzip');
      expect(answer.headers['content-type']).toBe('application/octet-stream');
      expect(await buffer(answer)).toEqual(gzip);
    });

    it.each([
      ['HEAD', 200, { 'content-length': '1234', etag: '"a"' }, { 'content-length': '1234', etag: '"a"' }],
      ['GET', 204, { etag: '"a"' }, { etag: '"a"' }],
      ['GET', 304, { etag: '"a"', 'cache-control': 'max-age=5' }, { 'cache-control': 'private, max-age=5' }],
    ])('the answer to a %s without a body, %s', async (method, status, given, told) => {
      answerWith(status, given);
      const answer = await answerTo(app.call('/test/files/1', { method }).end());
      expect(answer.statusCode).toBe(status);
      expect(answer.headers).toMatchObject(told);
      expect(await text(answer)).toBe('');
    });

    it('a part of a file', async () => {
      answerWith(206, { 'content-range': 'bytes 2-3/10', 'content-length': '2' }, 'cd');
      const answer = await get('/test/files/1', { range: 'bytes=2-3' });
      expect(app.api.arrivals[0]!.headers.range).toBe('bytes=2-3');
      expect([answer.statusCode, answer.headers['content-range'], await text(answer)]).toEqual([
        206,
        'bytes 2-3/10',
        'cd',
      ]);
    });

    it.each([400, 403, 404, 409, 422, 429, 500, 503])('that the API answers %s', async (status) => {
      answerWith(status, { 'content-type': 'application/problem+json' }, '{"code":"THEIRS"}');
      const answer = await get('/test/me');
      expect([answer.statusCode, await json(answer)]).toEqual([status, { code: 'THEIRS' }]);
    });
  });

  describe('is led', () => {
    const answerFrom = async (status: number, location: string) => {
      answerWith(status, { location: location.replace('API', app.api.origin) });
      return app.call('/test/files/1', { method: 'POST' }).end();
    };

    it.each([
      [201, '/v1/files/2', '/api/test/files/2'],
      [201, '2?a=b#c', '/api/test/files/2?a=b#c'],
      [303, 'API/v1/me', '/api/test/me'],
      [307, '../me', '/api/test/me'],
      [201, 'https://elsewhere.example/', undefined],
    ])('by a %s from the API to %s to %s of the app', async (status, location, here) => {
      const answer = await answerTo(await answerFrom(status, location));
      expect([answer.statusCode, answer.headers.location]).toEqual([status, here]);
    });

    it.each([
      [301, 'https://elsewhere.example/v1/me'],
      [302, '//elsewhere.example/v1/me'],
      [303, '/v2/me'],
      [307, 'API@elsewhere.example/v1/me'],
      [308, '/v1/files/..%2fme'],
      [302, '/v1'],
      [302, 'javascript:alert(1)'],
      [302, 'http://'],
    ])('by a %s to %s nowhere', async (status, location) => {
      expect(await problemOf(await answerFrom(status, location))).toEqual({
        status: 502,
        code: 'API_REDIRECT_REFUSED',
      });
      expect(app.api.calls, 'the token follows nobody').toEqual(['POST /v1/files/1']);
    });
  });

  describe('is refused', () => {
    it('without asking the API, if its body is said to be too large', async () => {
      const sent = app.call('/other/files/1', { method: 'POST', headers: { 'content-length': '100001' } });
      sent.flushHeaders();
      expect(await problemOf(sent)).toEqual({ status: 413, code: 'REQUEST_TOO_LARGE' });
      sent.destroy();
      expect(app.api.calls).toEqual([]);
    });

    it('as soon as its body is too large', async () => {
      app.api.answer = ({ request }) => request.on('error', () => undefined).resume();
      const sent = app.call('/other/files/1', { method: 'POST' });
      sent.write(Buffer.alloc(60_000));
      await expect.poll(() => app.api.arrivals).toHaveLength(1);
      sent.write(Buffer.alloc(60_000));
      expect(await problemOf(sent)).toEqual({ status: 413, code: 'REQUEST_TOO_LARGE' });
      sent.destroy();
      const { request } = app.api.arrivals[0]!;
      await expect.poll(() => request.destroyed).toBe(true);
      expect(request.complete, 'the API has got a whole body').toBe(false);
    });

    it('if the API answers too much', async () => {
      answerWith(200, { 'content-length': '100001' }, 'x'.repeat(100_001));
      expect(await problemOf(app.call('/other/me').end())).toEqual({ status: 502, code: 'ANSWER_TOO_LARGE' });
    });

    it('as soon as the API has answered too much', async () => {
      app.api.answer = ({ response }) => response.writeHead(200).write(Buffer.alloc(200_000));
      const answer = await get('/other/me');
      await expect(text(answer)).rejects.toThrow('aborted');
      await expect.poll(() => app.api.arrivals[0]!.response.destroyed).toBe(true);
    });

    it('if the API does not begin to answer in time', async () => {
      app.api.answer = () => undefined;
      expect(await problemOf(app.call('/other/me').end())).toEqual({ status: 504, code: 'API_TIMEOUT' });
      await expect.poll(() => app.api.arrivals[0]!.request.destroyed).toBe(true);
    });

    it('if the browser stops in the middle of a short body', async () => {
      const sent = app.call('/other/files/1', { method: 'POST', headers: { 'content-length': '10' } });
      sent.write('half');
      expect(await problemOf(sent)).toEqual({ status: 504, code: 'API_TIMEOUT' });
      sent.destroy();
    });

    it('while too many of the same user are under way, and not after that', async () => {
      app.api.answer = () => undefined;
      const [first, second] = [app.call('/test/me').end(), app.call('/other/files/1').end()];
      const third = app.call('/other/files/2').end();
      await expect.poll(() => app.api.calls).toHaveLength(3);
      const fourth = await answerTo(app.call('/other/me').end());
      expect([fourth.statusCode, fourth.headers['retry-after']]).toEqual([429, '1']);
      expect(await json(fourth)).toMatchObject({ code: 'TOO_MANY_CALLS' });
      for (const call of [first, second, third]) call.on('error', () => undefined).destroy();
      app.api.forget();
      await expect.poll(async () => (await get('/other/me')).statusCode).toBe(200);
    });

    it('if the API cannot be reached, or its answer is not HTTP', async () => {
      app.api.answer = ({ request }) => request.socket.end('nonsense\r\n\r\n');
      expect(await problemOf(app.call('/test/me').end())).toEqual({ status: 502, code: 'API_UNREACHABLE' });
      app.api.answer = ({ response }) => response.writeHead(200, { 'x-long': 'x'.repeat(20_000) }).end();
      expect(await problemOf(app.call('/test/me').end())).toEqual({ status: 502, code: 'API_UNREACHABLE' });
    });

    it('if its own headers are too long', async () => {
      expect((await app.raw('GET /api/test/me HTTP/1.1', [`X-Long: ${'x'.repeat(20_000)}`])).status).toBe(
        431,
      );
      expect(app.api.calls).toEqual([]);
    });

    it('without the header that other sites cannot send', async () => {
      const headers = { 'x-tokenward-csrf': '0' };
      expect(
        (await answerTo(app.call('/test/files/1', { method: 'POST', headers }).end('{}'))).statusCode,
      ).toBe(403);
      expect(app.api.calls).toEqual([]);
    });
  });

  it('leaves the bodies of other routes to their parsers', async () => {
    const line = 'POST /auth/logout HTTP/1.1';
    expect((await app.raw(line, ['Content-Type: application/json', 'Content-Length: 1'], '{')).status).toBe(
      400,
    );
  });
});
