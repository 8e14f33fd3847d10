import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { startProvidedApp, type ProvidedApp } from './provided-app.js';
import type { TestProviderOptions } from './provider.js';
import { StreamingApi } from './streaming-api.js';
import { Visitor } from './visitor.js';

/** The app in front of two APIs: `test`, without a limit that a test would meet, and `other`, with `limits`. */
export interface ProxiedApp extends ProvidedApp {
  api: StreamingApi;
  visitor: Visitor;
  /** A call with the session's cookie and nothing that the test has not asked for; its body is still to be sent. */
  call(path: string, options?: RequestOptions): ClientRequest;
  /** What the app answers to a request line and headers sent as they are. Its status is 0 where it answers nothing. */
  raw(requestLine: string, headers?: string[], body?: string): Promise<{ status: number; text: string }>;
}

const calls = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'].map((method) => `${method} /files/*`);

export async function startProxiedApp(
  limits: Record<string, number> = {},
  options: TestProviderOptions = {},
): Promise<ProxiedApp> {
  const api = await StreamingApi.start();
  const listed = { baseUrl: `${api.origin}/v1`, calls: ['GET /me', ...calls] };
  const none = { requestBytes: 2 ** 40, answerBytes: 2 ** 40, firstByteSeconds: 3600, idleSeconds: 3600 };
  const provided = await startProvidedApp(options, (entry) => ({
    test: { ...entry, api: { ...listed, limits: none } },
    other: { ...entry, api: { ...listed, limits } },
  }));
  const visitor = new Visitor();
  const { url } = provided.app;
  await visitor.logIn(url);
  await visitor.logIn(url, 'other');
  const { hostname, port } = new URL(url);
  return {
    ...provided,
    api,
    visitor,
    call: (path, { headers, ...rest } = {}) =>
      request(`${url}/api${path}`, {
        ...rest,
        agent: false,
        headers: { cookie: visitor.cookieFor(url), 'x-tokenward-csrf': '1', ...(headers as object) },
      }),
    raw: async (requestLine, headers = [], body = '') => {
      const socket = connect(Number(port), hostname);
      const cookie = `Cookie: ${visitor.cookieFor(url)}`;
      const connection = headers.some((header) => header.startsWith('Connection:'))
        ? []
        : ['Connection: close'];
      const head = ['Host: app', cookie, 'X-Tokenward-CSRF: 1', ...connection, ...headers];
      socket.write(`${[requestLine, ...head].join('\r\n')}\r\n\r\n${body}`, 'latin1');
      const answer = await text(socket);
      return { status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0), text: answer };
    },
    stop: async () => void (await Promise.all([provided.stop(), api.stop()])),
  };
}

/** The answer's head, once it is there. */
export async function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return answer;
}

/** Status and code of a problem document. */
export async function problemOf(sent: ClientRequest): Promise<{ status: number; code?: string }> {
  const answer = await answerTo(sent);
  const body = await text(answer);
  const type = answer.headers['content-type'];
  if (!type?.startsWith('application/problem+json')) throw new Error(`${answer.statusCode} ${type}: ${body}`);
  const { code } = JSON.parse(body) as { code?: string };
  return { status: answer.statusCode!, ...(code !== undefined && { code }) };
}
