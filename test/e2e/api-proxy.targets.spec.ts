import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startProxiedApp, type ProxiedApp } from '../support/proxied-app.js';
import { StreamingApi } from '../support/streaming-api.js';
import { urlTricks } from '../support/url-tricks.js';

describe('the API behind the app', () => {
  let app: ProxiedApp;
  let elsewhere: StreamingApi;

  beforeAll(async () => {
    [app, elsewhere] = await Promise.all([startProxiedApp(), StreamingApi.start()]);
  });
  afterAll(() => Promise.all([app?.stop(), elsewhere?.stop()]));
  afterEach(() => app.api.forget());

  const refusals = async (requestLines: string[]): Promise<{ line: string; status: number }[]> => {
    const answers = requestLines.map(async (line) => ({ line, status: (await app.raw(line)).status }));
    return Promise.all(answers);
  };
  const isRefused = (status: number): boolean => status === 0 || status >= 400;

  it('is reached by none of 300 tricks with its address, and neither is anything else', async () => {
    const host = elsewhere.origin.slice('http://'.length);
    const targets = urlTricks(host);
    expect(new Set(targets).size).toBeGreaterThan(300);
    const answers = await refusals(targets.map((target) => `GET ${target} HTTP/1.1`));
    expect(answers.filter(({ status }) => !isRefused(status))).toEqual([]);
    expect(app.api.calls).toEqual([]);
    expect(elsewhere.calls).toEqual([]);
  });

  it.each([
    ['another method', 'POST /api/test/me'],
    ['a method in lower case', 'get /api/test/me'],
    ['a method nobody lists', 'PATCH /api/test/files/1'],
    ['a method that asks for leave', 'OPTIONS /api/test/files/1'],
    ['a method of WebDAV', 'PROPFIND /api/test/files/1'],
    ['a tunnel', 'CONNECT /api/test/me'],
    ['HEAD of what is listed for GET only', 'HEAD /api/test/me'],
  ])('is not reached with %s', async (_what, call) => {
    const { status } = await app.raw(`${call} HTTP/1.1`);
    expect(isRefused(status), `it answers ${status}`).toBe(true);
    expect(app.api.calls).toEqual([]);
  });

  it.each([
    ['a line break in the target', 'GET /api/test/me\r\nX: /files/1 HTTP/1.1'],
    ['a bare line feed', 'GET /api/test/me\nGET /api/test/secret HTTP/1.1'],
    [
      'a request in the target',
      'GET /api/test/files/1%20HTTP/1.1%0d%0aHost:%20x%0d%0a%0d%0aGET%20/secret HTTP/1.1',
    ],
    ['two spaces', 'GET  /api/test/me  HTTP/1.1'],
    ['an older version', 'GET /api/test/me'],
  ])('is reached with nothing else by %s', async (_what, line) => {
    await app.raw(line);
    expect(app.api.calls.filter((call) => call !== 'GET /v1/me')).toEqual([]);
  });

  it.each([
    '/me',
    '/me?',
    '/me?a=1&a=2&a[]=3&b',
    '/me?path=../../secret',
    '/me?next=//elsewhere/&next=http://elsewhere/@x',
    '/me?a=%00%0d%0a%2e%2e%2f%252f%zz',
    '/me??a=?',
    '/me?a=\\..\\secret;b|c^d`e',
    '/me?_method=DELETE',
    '/files/',
    '/files/a/b/c/',
    '/files/.hidden/a..b',
    '/files/caf%C3%A9%20%e2%82%ac',
    "/files/a(1)!$&'*+,=:@~_-",
    '/files/@elsewhere/:80',
    '/files/http:',
    '/files/1?x=/../..',
  ])('is reached with %s as it is written', async (target) => {
    expect((await app.raw(`GET /api/test${target} HTTP/1.1`)).status).toBe(200);
    // A question mark with nothing behind it is left out.
    expect(app.api.calls).toEqual([`GET /v1${target.replace(/^(\/me)\?$/, '$1')}`]);
  });

  it.each(['DELETE', 'GET', 'POST'])(
    'takes the body of a %s for that, and not for a request of its own',
    async (method) => {
      const smuggled = 'GET /v1/secret HTTP/1.1\r\nHost: x\r\n\r\n';
      const chunked = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
      const bodies: string[] = [];
      app.api.answer = async ({ request, response }) => {
        bodies.push(await request.setEncoding('utf8').reduce((all, chunk) => all + String(chunk), ''));
        response.end();
      };
      const line = `${method} /api/test/files/1 HTTP/1.1`;
      expect((await app.raw(line, ['Transfer-Encoding: chunked'], chunked)).status).toBe(200);
      expect((await app.raw(line, [`Content-Length: ${smuggled.length}`], smuggled)).status).toBe(200);
      const hidden = ['Connection: close, content-length', `Content-Length: ${smuggled.length}`];
      expect((await app.raw(line, hidden, smuggled)).status).toBe(200);
      expect(bodies).toEqual([smuggled, smuggled, smuggled]);
      expect(new Set(app.api.calls)).toEqual(new Set([`${method} /v1/files/1`]));
    },
  );

  it.each([
    ['two lengths', ['Content-Length: 1', 'Content-Length: 30']],
    ['length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['a coding nobody knows', ['Transfer-Encoding: xchunked']],
  ])('is not reached by a body with %s', async (_what, headers) => {
    const { status } = await app.raw(
      'POST /api/test/files/1 HTTP/1.1',
      headers,
      '0\r\n\r\nGET /me HTTP/1.1\r\n\r\n',
    );
    expect(status).toBe(400);
    expect(app.api.calls).toEqual([]);
  });
});
