import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Oracle } from './oracle.js';

type Listener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;
type Fault = (request: IncomingMessage, response: ServerResponse) => Promise<'processed' | 'kept away'>;

/** Makes a provider's token endpoint misbehave for the next requests, in the order in which faults were asked for. */
export class Faults {
  private readonly next: Fault[] = [];

  constructor(private readonly oracle: Oracle) {}

  /** Answers instead of the provider, which does not see the request. */
  fail(status: number, headers: Record<string, string> = {}, body: unknown = '', times = 1): void {
    this.instead(`fail ${status}`, times, (response) => {
      const json = typeof body !== 'string';
      response.writeHead(status, { ...(json && { 'content-type': 'application/json' }), ...headers });
      response.end(json ? JSON.stringify(body) : body);
    });
  }

  redirect(location: string, times = 1): void {
    this.fail(307, { location }, '', times);
  }

  /** Takes the request and never answers; the provider does not see it. */
  hang(times = 1): void {
    this.instead('hang', times, () => undefined);
  }

  /** Takes the request and closes the connection; the provider does not see it. */
  dropRequest(times = 1): void {
    this.instead('drop', times, (response) => response.destroy());
  }

  /** The provider does its work, rotation and all, and the reply is lost on its way. */
  dropReplyAfterProcessing(times = 1): void {
    this.add(times, async (_request, response) => {
      response.end = () => response.destroy();
      return 'processed';
    });
  }

  /** The provider does its work, and its reply is kept back until the returned function is called. */
  holdReply(): () => void {
    let release!: () => void;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.add(1, async (_request, response) => {
      const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
      response.end = ((...args: unknown[]) => {
        void released.then(() => end(...args));
        return response;
      }) as typeof response.end;
      return 'processed';
    });
    return release;
  }

  /** From now on the provider behaves. */
  clear(): void {
    this.next.length = 0;
  }

  /** The provider's own listener behind these faults. */
  around(provider: Listener): Listener {
    return async (request, response) => {
      const fault = request.url === '/token' ? this.next.shift() : undefined;
      if (fault === undefined || (await fault(request, response)) === 'processed')
        await provider(request, response);
    };
  }

  private instead(outcome: string, times: number, answer: (response: ServerResponse) => void): void {
    this.add(times, async (request, response) => {
      this.oracle.note(new URLSearchParams(await text(request)), outcome);
      answer(response);
      return 'kept away';
    });
  }

  private add(times: number, fault: Fault): void {
    for (let count = 0; count < times; count += 1) this.next.push(fault);
  }
}
