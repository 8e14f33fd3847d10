import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { text } from 'node:stream/consumers';
import { freePort } from '../../support/servers/free-port.js';
import { monotonicMs } from './measure.js';

export interface Answer {
  status: number;
  json: Record<string, unknown>;
  headers?: Record<string, string>;
}

type Path = '/token' | '/token/revocation';

/** Something between the replicas and their provider that sees and changes what goes by. */
export class Front {
  /** Requests to the token endpoint, by `monotonicMs`. */
  readonly arrivals: number[] = [];
  /** Before the provider sees the request. What it returns is the answer instead of the provider's; null hangs up, `hang` is silence. */
  before: (
    form: URLSearchParams,
    path: Path,
    headers: IncomingHttpHeaders,
  ) => Promise<Answer | 'hang' | null | void> | void = () => undefined;
  /** When the provider has done its work; may change the answer. */
  after: (answer: Answer, form: URLSearchParams, path: Path) => Promise<void> | void = () => undefined;
  #server: Server;

  private constructor(
    private readonly target: string,
    /** One that is still free when this opens again after it was closed. */
    private readonly port: number,
  ) {
    this.#server = this.#serve();
  }

  static async of(target: string): Promise<Front> {
    const front = new Front(target, await freePort());
    await front.open();
    return front;
  }

  get tokenEndpoint(): string {
    return `http://127.0.0.1:${this.port}/token`;
  }

  get revocationEndpoint(): string {
    return `${this.tokenEndpoint}/revocation`;
  }

  async open(): Promise<void> {
    this.#server = this.#serve();
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(this.port, '127.0.0.1', resolve);
    });
  }

  /** Connections are refused from now on. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(): Server {
    return createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url as Path;
    const body = await text(request);
    const form = new URLSearchParams(body);
    if (path === '/token') this.arrivals.push(monotonicMs());
    const instead = await this.before(form, path, request.headers);
    if (instead === 'hang') return;
    if (instead === null) {
      response.destroy();
      return;
    }
    const answer = instead ?? (await this.#forward(request, path, body));
    if (instead === undefined) await this.after(answer, form, path);
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    response.end(JSON.stringify(answer.json));
  }

  async #forward({ headers }: IncomingMessage, path: Path, body: string): Promise<Answer> {
    const { authorization = '', 'content-type': type = '' } = headers;
    const response = await fetch(new URL(path, this.target), {
      method: 'POST',
      headers: { authorization, 'content-type': type },
      body,
    });
    const answered = await response.text();
    return { status: response.status, json: answered === '' ? {} : (JSON.parse(answered) as Answer['json']) };
  }
}
