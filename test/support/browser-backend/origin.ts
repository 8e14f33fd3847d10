import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

export type Handler = (
  request: SeenRequest,
  response: ServerResponse,
  incoming: IncomingMessage,
) => Promise<void> | void;

/** A server on an origin of its own that remembers who came; preflights are answered, and not remembered. */
export class Origin {
  readonly seen: SeenRequest[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(host: 'localhost' | '127.0.0.1', handle: Handler): Promise<Origin> {
    const server = createServer((incoming, response) => void answer(incoming, response));
    server.listen(0, host);
    await once(server, 'listening');
    const origin = new Origin(server, `http://${host}:${(server.address() as AddressInfo).port}`);

    async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
      const { method = '', url = '', headers } = incoming;
      if (headers.origin !== undefined) {
        response.setHeader('access-control-allow-origin', headers.origin);
        response.setHeader('access-control-allow-headers', 'authorization, content-type, x-tokenward-csrf');
        response.setHeader('access-control-allow-methods', 'GET, POST, PUT, DELETE');
      }
      if (method === 'OPTIONS') return void response.writeHead(204).end();
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      const seen = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
      origin.seen.push(seen);
      await handle(seen, response, incoming);
    }
    return origin;
  }

  /** The requests to this path, without what stands after a question mark. */
  to(path: string): SeenRequest[] {
    return this.seen.filter((request) => request.path.split('?')[0] === path);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers });
  response.end(JSON.stringify(body));
}
