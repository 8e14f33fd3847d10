import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Issuer } from './issuer.js';
import { Origin, sendJson, type SeenRequest } from './origin.js';
import { serveFile } from './files.js';

type User = { userId: string; name: string };

/**
 * The backend as `@tokenward/browser` sees it, with everything that can happen to it at a word: a page with the client,
 * an API on a second origin, and a third origin that nobody has allowed.
 */
export class BrowserBackend {
  readonly issuer = new Issuer();
  /** What the token route answers instead of a token. */
  outage: { status: number; retryAfter?: string; code: string } | null = null;
  /** The backend cannot tell who is logged in. */
  sessionOutage = false;
  /** The API refuses every token. */
  refusesAll = false;
  /** The next answers of the API are 401, whatever the token. */
  refusals = 0;
  app!: Origin;
  api!: Origin;
  foreign!: Origin;
  readonly #sessions = new Map<string, User>();
  readonly #streams = new Set<ServerResponse>();
  readonly #gates = new Map<string, Promise<void>>();

  static async start(): Promise<BrowserBackend> {
    const backend = new BrowserBackend();
    backend.foreign = await Origin.start('127.0.0.1', (_request, response) => sendJson(response, 200, {}));
    backend.api = await Origin.start('127.0.0.1', (request, response) =>
      backend.#answerApi(request, response),
    );
    backend.app = await Origin.start('localhost', (request, response) => backend.#answer(request, response));
    return backend;
  }

  /** Answers to this path wait until the returned function is called. What they say is decided before they wait. */
  hold(path: string): () => void {
    const { promise, resolve } = withResolvers();
    this.#gates.set(path, promise);
    return () => {
      this.#gates.delete(path);
      resolve();
    };
  }

  /** As by a back-channel log-out: told on the streams of events. */
  endSessions({ tell }: { tell: boolean }): void {
    this.#sessions.clear();
    if (tell) this.tellEnded();
  }

  tellEnded(): void {
    for (const stream of this.#streams) stream.write('event: ended\ndata: {}\n\n');
  }

  breakStreams(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  /** What reaches a path, but for the page itself. */
  count(path: string): number {
    return this.app.to(path).length;
  }

  async stop(): Promise<void> {
    await Promise.all([this.app.stop(), this.api.stop(), this.foreign.stop()]);
  }

  async #answer(request: SeenRequest, response: ServerResponse): Promise<void> {
    const url = new URL(request.path, this.app.url);
    const route = `${request.method} ${url.pathname}`;
    if (route === 'GET /login') return this.#logIn(url, response);
    if (
      request.method === 'GET' &&
      (await serveFile(url.pathname, response, [this.api.url, this.foreign.url]))
    )
      return;
    const id = /\btokenward=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    const user = this.#sessions.get(id);
    const send = this.#decide(route, request, user, id, response);
    await this.#gates.get(url.pathname);
    send();
  }

  /** Decides at once, and answers when it is let: a late answer is about what was. */
  #decide(
    route: string,
    request: SeenRequest,
    user: User | undefined,
    id: string,
    response: ServerResponse,
  ): () => void {
    const problem = (status: number, code: string, headers?: Record<string, string>) => (): void =>
      sendJson(response, status, { status, code, title: code }, headers);
    if (request.headers['x-tokenward-csrf'] !== '1') return problem(403, 'CSRF_HEADER_MISSING');
    if (this.sessionOutage) return problem(503, 'DATABASE_UNAVAILABLE');
    if (!user) return problem(401, 'SESSION_REQUIRED');
    switch (route) {
      case 'GET /auth/session': {
        const ends = new Date(Date.now() + 3_600_000).toISOString();
        return () =>
          sendJson(response, 200, { authenticated: true, user, expiresAt: ends, idleExpiresAt: ends });
      }
      case 'POST /auth/logout':
        this.#sessions.delete(id);
        return () =>
          sendJson(response, 200, { endSessionUrl: 'https://provider.example/end-session?state=1' });
      case 'GET /auth/session/events':
        return () => this.#stream(response);
      case 'POST /auth/token/local': {
        if (this.outage) {
          const { status, code, retryAfter } = this.outage;
          return problem(status, code, retryAfter ? { 'retry-after': retryAfter } : {});
        }
        const token = this.issuer.token(request.headers['x-tokenward-refused'] === '1');
        return () => sendJson(response, 200, token);
      }
      case 'GET /api/local/refused':
        return problem(401, 'API_RESPONSE_ERROR');
      case 'GET /api/local/away':
        return () => void response.writeHead(302, { location: `${this.foreign.url}/from-backend` }).end();
      case 'GET /api/local/report':
      case 'POST /api/local/report':
        return () => sendJson(response, 200, { user: user.name });
      default:
        return problem(404, 'NOT_FOUND');
    }
  }

  #logIn(url: URL, response: ServerResponse): void {
    const name = url.searchParams.get('user') ?? 'ada';
    const id = randomUUID();
    this.#sessions.set(id, { userId: `id-of-${name}`, name });
    const location = url.searchParams.get('returnTo') ?? '/';
    response.writeHead(302, { 'set-cookie': `tokenward=${id}; Path=/; HttpOnly; SameSite=Lax`, location });
    response.end();
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': welcome\n\n');
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  #answerApi(request: SeenRequest, response: ServerResponse): void {
    const path = request.path.split('?')[0];
    if (path === '/away')
      return void response.writeHead(307, { location: `${this.foreign.url}/from-api` }).end();
    if (this.refusals > 0) {
      this.refusals -= 1;
      return sendJson(response, 401, {});
    }
    if (this.refusesAll || !this.issuer.accepts(request.headers.authorization))
      return sendJson(response, 401, {});
    sendJson(response, path === '/forbidden' ? 403 : 200, { body: request.body });
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
