import { type IncomingMessage, request as forward, type ServerResponse } from 'node:http';
import { type Scheme, type Site, startSite } from './site.js';

/** A request of a browser, and how it was answered. */
export interface Passed {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  status: number | null;
}

/** What stands in front of the application, and ends TLS there: it sees all that browsers send. */
export class Front {
  readonly passed: Passed[] = [];
  /** A gateway that lets every origin do everything, as some are set up: the answer to a preflight. */
  allowsEveryOrigin = false;
  #site!: Site;

  private constructor(private readonly target: number) {}

  static async start(scheme: Scheme, target: number): Promise<Front> {
    const front = new Front(target);
    front.#site = await startSite(scheme, (request, response) => front.#pass(request, response));
    return front;
  }

  get port(): number {
    return this.#site.port;
  }

  stop(): Promise<void> {
    return this.#site.stop();
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    const passed: Passed = { method, url, headers, status: null };
    this.passed.push(passed);
    if (this.allowsEveryOrigin && headers.origin !== undefined) {
      response.setHeader('access-control-allow-origin', headers.origin);
      response.setHeader('access-control-allow-credentials', 'true');
      response.setHeader('access-control-allow-headers', 'x-tokenward-csrf');
      if (method === 'OPTIONS') return void response.writeHead(204).end();
    }
    const onward = forward({ port: this.target, host: 'localhost', method, path: url, headers }, (answer) => {
      passed.status = answer.statusCode!;
      response.writeHead(answer.statusCode!, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }
}
