import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface Received {
  form: URLSearchParams;
  authorization: string | null;
  /** The proof of a key (RFC 9449). */
  dpop: string | null;
}

type Answer = (response: ServerResponse, request: Received) => void;

/** A token endpoint that answers whatever it is told to, and notes what it was sent. */
export class TokenEndpoint {
  readonly requests: Received[] = [];
  /** Connections that the client has closed before the answer was complete. */
  givenUp = 0;
  #answer: Answer = (response) => response.end();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<TokenEndpoint> {
    const server = createServer();
    const endpoint = new TokenEndpoint(server);
    server.on('request', (request, response) => void endpoint.#receive(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return endpoint;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `${this.origin}/token`;
  }

  /** From now on each request is answered in this way. */
  answer(answer: Answer): void {
    this.#answer = answer;
  }

  reply(status: number, body: unknown, headers: Record<string, string> = {}): void {
    this.answer((response) => {
      const json = typeof body !== 'string';
      response.writeHead(status, { ...(json && { 'content-type': 'application/json' }), ...headers });
      response.end(json ? JSON.stringify(body) : body);
    });
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = {
      form: new URLSearchParams(await text(request)),
      authorization: request.headers.authorization ?? null,
      dpop: (request.headers['dpop'] as string | undefined) ?? null,
    };
    this.requests.push(received);
    response.on('close', () => {
      if (!response.writableFinished) this.givenUp += 1;
    });
    this.#answer(response, received);
  }
}
