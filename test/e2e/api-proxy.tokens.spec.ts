import { json, text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { answerTo, problemOf, startProxiedApp, type ProxiedApp } from '../support/proxied-app.js';

describe('the token of a call that is passed on', () => {
  let app: ProxiedApp;
  const bodies: string[] = [];

  beforeAll(async () => {
    app = await startProxiedApp();
  });
  afterAll(() => app?.stop());
  afterEach(() => {
    app.api.forget();
    bodies.length = 0;
  });

  const tokens = (): string[] => app.api.arrivals.map(({ headers }) => headers.authorization!);
  /** The API says 401 to the first `times` calls. */
  const refuse = (times: number): void => {
    app.api.answer = async ({ request, response }) => {
      const refused = app.api.arrivals.length <= times;
      bodies.push(await text(request));
      response
        .writeHead(refused ? 401 : 200, { 'www-authenticate': 'Bearer error="invalid_token"' })
        .end('{}');
    };
  };
  const post = (body: string, headers: Record<string, string | number> = {}) =>
    app.call('/test/files/1', { method: 'POST', headers }).end(body);

  it('is replaced once when the API refuses it, and a short body sent again', async () => {
    refuse(1);
    const before = app.provider.oracle.exchanges;
    expect((await answerTo(post('short'))).statusCode).toBe(200);
    expect(bodies).toEqual(['short', 'short']);
    expect(new Set(tokens()).size).toBe(2);
    expect(app.provider.oracle.exchanges).toBe(before + 1);
  });

  it.each([
    ['a long body', { 'content-length': 65_537 }],
    ['a body of unknown length', { 'transfer-encoding': 'chunked' }],
  ])('is not tried again with %s, which is gone by then', async (_what, headers) => {
    refuse(1);
    expect(await problemOf(post('x'.repeat(65_537), headers))).toEqual({
      status: 502,
      code: 'API_UNAUTHORIZED',
    });
    expect(bodies).toEqual(['x'.repeat(65_537)]);
  });

  it('is tried no third time, and the page is not told that its session is over', async () => {
    refuse(100);
    expect(await problemOf(post('short'))).toEqual({ status: 502, code: 'API_UNAUTHORIZED' });
    expect(app.api.arrivals).toHaveLength(2);
  });

  it('is refreshed before the call when it has expired', async () => {
    const short = await startProxiedApp({}, { accessTokenTtlSeconds: 2 });
    const call = async (): Promise<string> => {
      expect((await answerTo(short.call('/test/me').end())).statusCode).toBe(200);
      return short.api.arrivals.at(-1)!.headers.authorization!;
    };
    const first = await call();
    await expect.poll(call, { interval: 200, timeout: 90_000 }).not.toBe(first);
    expect(short.provider.oracle.reuses).toBe(0);
    await short.stop();
  });

  it('is in nothing that the app has said', async () => {
    refuse(100);
    await problemOf(post('short'));
    const said = (): string => app.app.output + app.app.errors;
    await expect.poll(said).toContain('API_UNAUTHORIZED: POST /api/test/files/1');
    expect(tokens()).not.toEqual([]);
    for (const token of tokens()) expect(said()).not.toContain(token.slice('Bearer '.length));
  });

  it.each([
    [
      'the provider has ended the grant',
      async () => {
        app.provider.faults.fail(400, {}, { error: 'invalid_grant' });
        await app.visitor.post(`${app.app.url}/connections/other/refresh`);
        app.provider.faults.clear();
      },
      'REAUTHORIZATION_REQUIRED',
    ],
    [
      'the user has disconnected it',
      () => app.visitor.post(`${app.app.url}/connections/other`, { method: 'DELETE' }),
      'TOKEN_NOT_FOUND',
    ],
  ])(
    'is missed after %s: the page learns where to get one, and the API is not asked',
    async (_what, end, code) => {
      await end();
      const answer = await answerTo(app.call('/other/me').end());
      expect(answer.statusCode).toBe(403);
      expect(await json(answer)).toEqual({
        type: `urn:tokenward:${code.toLowerCase().replaceAll('_', '-')}`,
        title: expect.stringMatching(/Error$/),
        status: 403,
        code,
        detail: expect.stringContaining('has to log in'),
        provider: 'other',
        login: '/auth/login/other',
      });
      expect(app.api.calls).toEqual([]);
    },
  );

  it('is not at hand for a provider without an API, or for none', async () => {
    expect(await problemOf(app.call('/elsewhere/me').end())).toEqual({ status: 404, code: 'API_UNKNOWN' });
    expect(await problemOf(app.call('/__proto__/me').end())).toEqual({ status: 404, code: 'API_UNKNOWN' });
  });
});
