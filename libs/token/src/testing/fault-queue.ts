import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** What `node:http` calls for every request. */
export type HttpListener = (request: IncomingMessage, response: ServerResponse) => unknown;
type Fault = (request: IncomingMessage, response: ServerResponse) => Promise<'processed' | 'kept away'>;
type Note = (form: URLSearchParams, outcome: string) => void;

/** Faults that wait for the next requests to one path, in the order in which they were asked for. */
export abstract class FaultQueue {
  readonly #next: Fault[] = [];
  readonly #keptAway: Note;
  readonly #path: string;

  /**
   * `keptAway` is told the form of every request that a fault keeps from the server, and the fault's name.
   * `path` is the one that misbehaves; all others pass. Default: `/token`.
   */
  constructor(keptAway: Note = () => undefined, path = '/token') {
    this.#keptAway = keptAway;
    this.#path = path;
  }

  /** How many faults have not met their request yet. */
  get pending(): number {
    return this.#next.length;
  }

  /** From the next request on the server behaves. */
  clear(): void {
    this.#next.length = 0;
  }

  /** The server's own listener behind these faults; it works around any listener of `node:http`. */
  around(server: HttpListener): (request: IncomingMessage, response: ServerResponse) => void {
    return (request, response) => {
      const path = request.url?.split('?')[0];
      const fault = path === this.#path ? this.#next.shift() : undefined;
      if (fault === undefined) server(request, response);
      // A fault that cannot be carried out, such as a status that does not exist, ends the connection.
      else
        this.#meet(fault, request, response, server).catch((error: unknown) =>
          response.destroy(error as Error),
        );
    };
  }

  /** Queues a fault that answers instead of the server, which does not see the request. */
  protected instead(outcome: string, times: number, answer: (response: ServerResponse) => void): void {
    this.add(times, async (request, response) => {
      const body = await text(request).catch(() => null);
      // Whoever has gone before the request was complete has not asked.
      if (body === null) return 'kept away';
      this.#keptAway(new URLSearchParams(body), outcome);
      answer(response);
      return 'kept away';
    });
  }

  /** Queues a fault that tampers with the reply of the server, which does its work. */
  protected after(times: number, tamper: (response: ServerResponse) => void): void {
    this.add(times, async (_request, response) => {
      tamper(response);
      return 'processed';
    });
  }

  async #meet(
    fault: Fault,
    request: IncomingMessage,
    response: ServerResponse,
    server: HttpListener,
  ): Promise<void> {
    if ((await fault(request, response)) === 'processed') await server(request, response);
  }

  private add(times: number, fault: Fault): void {
    for (let count = 0; count < times; count += 1) this.#next.push(fault);
  }
}
