import { Agent, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import {
  ApiRequestError,
  ReauthorizationRequiredError,
  TokenConfigurationError,
  TokenHttpService,
  TokenNotFoundError,
  type TokenRef,
} from '@tokenward/nestjs';
import { firstValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ok, startApi, type TestApi } from '../support/api.js';
import { PROVIDER, providerOptions, type Replica, startReplica, tokenOptions } from '../support/app.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { startProvider, type TestProvider } from '../support/provider.js';

let users = 0;

// How requests are sent does not depend on the database.
describe('TokenHttpService', () => {
  let provider: TestProvider;
  let api: TestApi;
  let elsewhere: TestApi;
  let database: TestDatabase;
  let replica: Replica;
  let http: TokenHttpService;
  let ref: TokenRef;
  let stored: string;

  beforeAll(async () => {
    [provider, api, elsewhere, database] = await Promise.all([
      startProvider(),
      startApi(),
      startApi(),
      createDatabase('sqlite'),
    ]);
    replica = await startReplica(
      database,
      tokenOptions(provider, {
        providers: { [PROVIDER]: { ...providerOptions(provider), apiOrigins: [api.origin] } },
      }),
    );
    http = replica.module.get(TokenHttpService);
  });
  afterAll(async () => {
    await replica.close();
    await database.drop();
    await Promise.all([provider.stop(), api.stop(), elsewhere.stop()]);
  });
  beforeEach(async () => {
    ref = { userId: `user-${++users}`, provider: PROVIDER };
    const tokens = await provider.mintTokens({ sub: ref.userId });
    stored = tokens.access_token;
    await replica.tokens.storeTokens(ref, tokens);
  });
  afterEach(() => {
    api.seen.length = elsewhere.seen.length = 0;
    api.answer = elsewhere.answer = ok;
  });

  const current = async (): Promise<string> => (await replica.tokens.getTokens(ref))!.accessToken.value;
  const get = (path: string, config: object = {}) =>
    firstValueFrom(http.as(ref).get(`${api.origin}${path}`, config));
  const failure = async (work: Promise<unknown>): Promise<Error> =>
    work.then(
      () => expect.unreachable('it should have failed'),
      (error: Error) => error,
    );

  it('sends the token of its user', async () => {
    expect((await get('/me')).data).toEqual({ ok: true });
    expect(api.seen).toMatchObject([{ method: 'GET', url: '/me', authorization: `Bearer ${stored}` }]);
  });

  it('takes the user from the request as well', async () => {
    await firstValueFrom(http.get(`${api.origin}/me`, { token: ref }));
    await firstValueFrom(http.request({ url: '/me', baseURL: api.origin, token: ref }));
    await http.axiosRef.post(`${api.origin}/me`, { a: 1 }, { token: ref });
    expect(api.seen.map(({ authorization }) => authorization)).toEqual(Array(3).fill(`Bearer ${stored}`));
  });

  it('keeps users apart who call at the same time', async () => {
    const others = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const other = { userId: `${ref.userId}-${index}`, provider: PROVIDER };
        await replica.tokens.storeTokens(other, { access_token: `token-${index}` });
        return other;
      }),
    );
    await Promise.all(
      others.map((other, index) => firstValueFrom(http.as(other).get(`${api.origin}/${index}`))),
    );
    for (const { url, authorization } of api.seen) expect(authorization).toBe(`Bearer token-${url.slice(1)}`);
    expect(api.seen).toHaveLength(20);
  });

  it('refreshes once and repeats once after a 401', async () => {
    api.answer = (request, response) =>
      request.authorization === `Bearer ${stored}` ? response.writeHead(401).end() : ok(request, response);
    const answer = await firstValueFrom(
      http.as(ref).post(`${api.origin}/things?a=1`, { name: 'thing', nested: { deep: [1] } }),
    );
    const fresh = await current();
    expect(answer.status).toBe(200);
    expect(api.seen).toHaveLength(2);
    expect(api.seen[1]).toMatchObject({
      method: 'POST',
      url: '/things?a=1',
      authorization: `Bearer ${fresh}`,
      body: '{"name":"thing","nested":{"deep":[1]}}',
    });
    expect(fresh).not.toBe(stored);
  });

  it('makes one refresh of fifty requests that are refused at once', async () => {
    const { exchanges } = provider.oracle;
    api.answer = (request, response) =>
      request.authorization === `Bearer ${stored}` ? response.writeHead(401).end() : ok(request, response);
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/me')));
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(provider.oracle.exchanges - exchanges).toBe(1);
    expect(api.seen).toHaveLength(100);
  });

  it('does not go round in circles where the API refuses every token', async () => {
    const { exchanges } = provider.oracle;
    api.answer = (_request, response) => void response.writeHead(401).end();
    for (let call = 0; call < 3; call++)
      expect(await failure(get('/me'))).toMatchObject({ code: 'API_RESPONSE_ERROR', status: 401 });
    expect(provider.oracle.exchanges - exchanges).toBe(1);
    expect(api.seen).toHaveLength(4);
  });

  it('does not go round in circles either for refs that come from listTokens', async () => {
    const { exchanges } = provider.oracle;
    api.answer = (_request, response) => void response.writeHead(401).end();
    for (let call = 0; call < 3; call++) {
      const [listed] = await replica.tokens.listTokens(ref);
      await failure(firstValueFrom(http.as(listed!).get(`${api.origin}/me`)));
    }
    expect(provider.oracle.exchanges - exchanges).toBe(1);
  });

  it('refreshes after a 401 also for callers who read the status themselves', async () => {
    api.answer = (request, response) =>
      request.authorization === `Bearer ${stored}` ? response.writeHead(401).end() : ok(request, response);
    expect((await get('/me', { validateStatus: () => true })).status).toBe(200);
  });

  it('does not refresh after a 403', async () => {
    const { exchanges } = provider.oracle;
    api.answer = (_request, response) =>
      void response.writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope"' }).end();
    expect(await failure(get('/me'))).toMatchObject({ status: 403 });
    expect(provider.oracle.exchanges).toBe(exchanges);
  });

  it('does not repeat a body that can be read only once', async () => {
    api.answer = (_request, response) => void response.writeHead(401).end();
    await failure(firstValueFrom(http.as(ref).post(`${api.origin}/upload`, Readable.from(['once']))));
    expect(api.seen).toHaveLength(1);
  });

  it('fails as the refresh fails when the user has to log in again', async () => {
    await provider.revoke((await replica.tokens.getTokens(ref))!.refreshToken!.value);
    api.answer = (_request, response) => void response.writeHead(401).end();
    expect(await failure(get('/me'))).toBeInstanceOf(ReauthorizationRequiredError);
  });

  it('sends nothing without a token', async () => {
    expect(await failure(firstValueFrom(http.get(`${api.origin}/me`)))).toMatchObject({
      code: 'TOKEN_REF_MISSING',
    });
    expect(
      await failure(firstValueFrom(http.as({ ...ref, userId: 'nobody' }).get(`${api.origin}/me`))),
    ).toBeInstanceOf(TokenNotFoundError);
    expect(api.seen).toEqual([]);
  });

  it.each([
    ['another origin', () => ({ url: `${elsewhere.origin}/collect` })],
    [
      'an absolute URL that leaves the base URL',
      () => ({ baseURL: api.origin, url: `${elsewhere.origin}/collect` }),
    ],
    [
      'a URL without a scheme that leaves the base URL',
      () => ({ baseURL: api.origin, url: `//${new URL(elsewhere.origin).host}/collect` }),
    ],
    ['another port', () => ({ url: `http://127.0.0.1:1/` })],
    [
      'another spelling of the host',
      () => ({ url: `${elsewhere.origin.replace('127.0.0.1', 'localhost')}/` }),
    ],
    ['a user in the URL', () => ({ url: `${api.origin.replace('//', '//me:pw@')}/me` })],
    ['a host hidden behind a user', () => ({ url: `${api.origin}@${new URL(elsewhere.origin).host}/` })],
    ['basic credentials', () => ({ url: `${api.origin}/me`, auth: { username: 'a', password: 'b' } })],
    ['a relative URL', () => ({ url: '/me' })],
  ])('never sends a token to %s', async (_name, config) => {
    expect(await failure(firstValueFrom(http.as(ref).request(config())))).toBeInstanceOf(
      TokenConfigurationError,
    );
    expect(
      [...api.seen, ...elsewhere.seen].filter(({ authorization }) => authorization?.includes(stored)),
    ).toEqual([]);
  });

  it.each([301, 302, 303, 307, 308])(
    'does not follow a redirect (%i) to another origin, with nothing',
    async (status) => {
      api.answer = (_request, response) =>
        void response.writeHead(status, { location: `${elsewhere.origin}/collect` }).end();
      const error = await failure(
        firstValueFrom(http.as(ref).post(`${api.origin}/me`, { a: 1 }, { headers: { 'X-Api-Key': 'k' } })),
      );
      expect(error).toMatchObject({ code: 'API_REDIRECT_REFUSED' });
      expect(elsewhere.seen).toEqual([]);
    },
  );

  it.each(['fetch', ['fetch']] as const)(
    'checks redirects whatever adapter is asked for (%j)',
    async (adapter) => {
      api.answer = (_request, response) =>
        void response.writeHead(302, { location: `${elsewhere.origin}/collect` }).end();
      expect(await failure(get('/me', { adapter }))).toMatchObject({ code: 'API_REDIRECT_REFUSED' });
      expect(elsewhere.seen).toEqual([]);
    },
  );

  it('follows a redirect within the origin with the token', async () => {
    api.answer = (request, response) =>
      request.url === '/old'
        ? void response.writeHead(307, { location: '/new' }).end()
        : ok(request, response);
    expect((await get('/old')).status).toBe(200);
    expect(api.seen.map(({ url, authorization }) => [url, authorization])).toEqual([
      ['/old', `Bearer ${stored}`],
      ['/new', `Bearer ${stored}`],
    ]);
  });

  it('shows no token in streamed responses, which can be read', async () => {
    const answer = await get('/me', { responseType: 'stream' });
    expect(inspect(answer, { depth: 12, showHidden: true })).not.toContain(stored);
    expect(await text(answer.data as Readable)).toBe('{"ok":true}');
  });

  it.each([
    [
      'the caller aborts',
      (stop: AbortController) => ({ config: { signal: stop.signal }, breakOff: () => stop.abort() }),
    ],
    ['it grows too large', () => ({ config: { maxContentLength: 10 }, breakOff: () => undefined })],
    ['the connection breaks', () => ({ config: {}, breakOff: () => api.broken?.destroy() })],
  ])('shows no token in the error of a stream when %s', async (_name, prepare) => {
    const { config, breakOff } = prepare(new AbortController());
    api.answer = (_request, response) => {
      api.broken = response;
      response.writeHead(200).write('x'.repeat(100));
    };
    const { data } = await get('/me', { responseType: 'stream', ...config });
    const failed = new Promise<unknown>((resolve) => (data as Readable).once('error', resolve).resume());
    breakOff();
    const error = await failed;
    expect(error).toBeInstanceOf(ApiRequestError);
    for (const shown of [error, data])
      expect(inspect(shown, { depth: 12, showHidden: true })).not.toContain(stored);
  });

  it('keeps no connection of a streamed answer that has failed', async () => {
    api.answer = (_request, response) => void response.writeHead(500).write('x'.repeat(100_000));
    const httpAgent = new Agent({ keepAlive: true });
    await failure(get('/me', { responseType: 'stream', httpAgent }));
    await expect.poll(() => Object.keys(httpAgent.sockets).length).toBe(0);
    httpAgent.destroy();
  });

  it('gives the connection of a refused stream back before it repeats', async () => {
    api.answer = (request, response) =>
      request.authorization === `Bearer ${stored}`
        ? response.writeHead(401).end('x'.repeat(100_000))
        : ok(request, response);
    const httpAgent = new Agent({ maxSockets: 1, keepAlive: true });
    const answer = await get('/me', { responseType: 'stream', httpAgent });
    expect(answer.status).toBe(200);
    expect(await text(answer.data as Readable)).toBe('{"ok":true}');
    httpAgent.destroy();
  });

  it('passes an abort during the wait for a token on as it is', async () => {
    expect(await failure(get('/me', { signal: AbortSignal.abort() }))).toMatchObject({ name: 'AbortError' });
    expect(api.seen).toEqual([]);
  });

  it('shows no token in responses', async () => {
    const answer = await get('/me');
    expect(inspect(answer, { depth: 12, showHidden: true })).not.toContain(stored);
  });

  it.each([
    [
      'an error status',
      () => get('/me'),
      (response: ServerResponse) => void response.writeHead(500).end('boom'),
    ],
    ['a broken connection', () => get('/me'), (response: ServerResponse) => void response.destroy()],
    ['a cancelled request', () => get('/slow', { signal: AbortSignal.timeout(50) }), () => undefined],
    ['a time-out', () => get('/slow', { timeout: 50 }), () => undefined],
  ])('fails with an error without secrets after %s', async (_name, call, answer) => {
    api.answer = (_request, response) => answer(response);
    const error = await failure(call());
    expect(error).toBeInstanceOf(ApiRequestError);
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(stored);
    expect(JSON.stringify(error)).not.toContain(stored);
    expect(Object.keys(error)).toEqual(
      expect.not.arrayContaining(['config', 'request', 'response', 'cause']),
    );
  });

  it('names method, place and status, but no query', async () => {
    api.answer = (_request, response) => void response.writeHead(503, { 'retry-after': '3' }).end();
    expect(await failure(get('/me?secret=1#x'))).toMatchObject({
      message: `GET ${api.origin}/me answered 503.`,
      status: 503,
      retryAfter: 3,
      method: 'GET',
      url: `${api.origin}/me`,
    });
  });
});
