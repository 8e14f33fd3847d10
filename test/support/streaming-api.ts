import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What has reached an API, before its body has. */
interface Arrival {
  /** As in the request line: method and target, character for character. */
  call: string;
  headers: IncomingMessage['headers'];
  request: IncomingMessage;
  response: ServerResponse;
}

type Answer = (arrival: Arrival) => unknown;

/** An API that notes what reaches it, and leaves body and answer to the test. */
export class StreamingApi {
  readonly arrivals: Arrival[] = [];
  answer: Answer = ok;
  private readonly server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => {
    const { method, url, headers } = request;
    const arrival = { call: `${method} ${url}`, headers, request, response };
    this.arrivals.push(arrival);
    response.on('error', () => undefined);
    void this.answer(arrival);
  });

  static async start(): Promise<StreamingApi> {
    const api = new StreamingApi();
    await new Promise<void>((resolve) => api.server.listen(0, '127.0.0.1', resolve));
    return api;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get calls(): string[] {
    return this.arrivals.map(({ call }) => call);
  }

  forget(): void {
    this.arrivals.length = 0;
    this.answer = ok;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}

const ok: Answer = ({ request, response }) => {
  request.resume();
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
};
