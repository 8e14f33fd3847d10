import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface SeenRequest {
  method: string;
  url: string;
  authorization: string | null;
  headers: IncomingMessage['headers'];
  body: string;
}

export interface TestApi {
  origin: string;
  seen: SeenRequest[];
  /** How to answer; by default 200 with `{"ok":true}`. */
  answer: (request: SeenRequest, response: ServerResponse) => void;
  /** An answer that a test has begun and may break off. */
  broken?: ServerResponse;
  stop(): Promise<void>;
}

/** An API that notes every request that reaches it. */
export async function startApi(): Promise<TestApi> {
  const api: TestApi = { origin: '', seen: [], answer: ok, stop: () => stop() };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const { method = '', url = '', headers } = request;
    const seen = { method, url, headers, body, authorization: headers.authorization ?? null };
    api.seen.push(seen);
    api.answer(seen, response);
  };
  const server = createServer((request, response) => {
    void answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  api.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  return api;
}

export function ok(_request: SeenRequest, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
}
