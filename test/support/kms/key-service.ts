import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface ServiceRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface ServiceAnswer {
  status: number;
  body: unknown;
}

type Fault = (response: ServerResponse) => void;

/** An HTTP server that stands for a key service: notes what it is asked, and misbehaves for as many requests as a test wants. */
export class KeyServiceDouble {
  origin = '';
  readonly seen: ServiceRequest[] = [];
  private readonly faults: Fault[] = [];
  private readonly server;

  constructor(
    private readonly contentType: string,
    private readonly handle: (request: ServiceRequest) => ServiceAnswer,
  ) {
    this.server = createServer((request, response) => {
      void text(request).then((body) => {
        const { method = '', url: path = '', headers } = request;
        return this.answer({ method, path, headers, body }, response);
      });
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.origin = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  /** Answers with this instead, `times` times. Text is sent as it is. */
  fail(status: number, body: unknown = '', headers: Record<string, string> = {}, times = 1): void {
    this.add(times, (response) => {
      const json = typeof body !== 'string';
      response.writeHead(status, { 'content-type': json ? this.contentType : 'text/html', ...headers });
      response.end(json ? JSON.stringify(body) : body);
    });
  }

  /** Takes the request and never answers. */
  hang(times = 1): void {
    this.add(times, () => undefined);
  }

  /** Begins an answer and never ends it. */
  stall(times = 1): void {
    this.add(times, (response) => {
      response.writeHead(200, { 'content-type': this.contentType, 'content-length': '1000' });
      response.write('{"');
    });
  }

  /** Takes the request and closes the connection. */
  drop(times = 1): void {
    this.add(times, (response) => response.destroy());
  }

  private add(times: number, fault: Fault): void {
    for (let i = 0; i < times; i++) this.faults.push(fault);
  }

  private answer(request: ServiceRequest, response: ServerResponse): void {
    this.seen.push(request);
    const fault = this.faults.shift();
    if (fault) {
      fault(response);
      return;
    }
    const { status, body } = this.handle(request);
    response.writeHead(status, { 'content-type': this.contentType });
    response.end(JSON.stringify(body));
  }
}
