import type { ServerResponse } from 'node:http';
import { SystemClock } from '../common/clock.js';
import { FaultQueue } from './fault-queue.js';
import { loseReply, withhold } from './withhold.js';

const TEN_MEGABYTES = 10 * 2 ** 20;
const TRICKLE_MS = 10;

/**
 * Makes a token endpoint misbehave for the next requests, in the order in which faults were asked for. `times` is for
 * how many requests, by default one.
 */
export class Faults extends FaultQueue {
  /** Answers instead of the server, which does not see the request. What is not a string is sent as JSON. */
  fail(status: number, headers: Record<string, string> = {}, body: unknown = '', times = 1): void {
    this.instead(`fail ${status}`, times, (response) => {
      const json = typeof body !== 'string';
      response.writeHead(status, { ...(json && { 'content-type': 'application/json' }), ...headers });
      response.end(json ? JSON.stringify(body) : body);
    });
  }

  /** Too many requests (429) or overload (503), with `Retry-After`. */
  throttle(status: 429 | 503, retryAfterSeconds: number, times = 1): void {
    this.fail(status, { 'retry-after': String(retryAfterSeconds) }, '', times);
  }

  redirect(location: string, times = 1): void {
    this.fail(307, { location }, '', times);
  }

  /** A web page with status 200, as proxies and log-in walls send it. */
  html(times = 1): void {
    this.send('html', 'text/html; charset=utf-8', '<!doctype html><title>Sign in</title>', times);
  }

  /** Status 200 and JSON that ends in the middle. */
  invalidJson(times = 1): void {
    this.send('invalid json', 'application/json', '{"access_token":"cut-o', times);
  }

  /** Status 200 and JSON in which every member has a wrong type. */
  wrongTypes(times = 1): void {
    const body = { access_token: 42, token_type: ['bearer'], refresh_token: { value: 1 }, expires_in: [] };
    this.send('wrong types', 'application/json', JSON.stringify(body), times);
  }

  /** Status 200 without a body. */
  empty(times = 1): void {
    this.send('empty', 'application/json', '', times);
  }

  /** Status 200 and valid JSON of `bytes`, by default 10 MiB. */
  oversized(times = 1, bytes = TEN_MEGABYTES): void {
    const frame = '{"access_token":""}';
    const value = 'x'.repeat(Math.max(0, bytes - frame.length));
    this.send('oversized', 'application/json', `{"access_token":"${value}"}`, times);
  }

  /** Status 200 and a body that goes on, byte by byte, until the client has enough. */
  endless(times = 1): void {
    this.instead('endless', times, (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('{');
      const timer = setInterval(() => response.write(' '), TRICKLE_MS);
      timer.unref();
      response.on('close', () => clearInterval(timer));
    });
  }

  /** Takes the request and never answers; the server does not see it. */
  hang(times = 1): void {
    this.instead('hang', times, () => undefined);
  }

  /** Takes the request and closes the connection; the server does not see it. */
  dropRequest(times = 1): void {
    this.instead('drop', times, (response) => response.destroy());
  }

  /** The server does its work, rotation and all, and the reply is lost on its way. */
  dropReplyAfterProcessing(times = 1): void {
    this.after(times, loseReply);
  }

  /** The server does its work, and its reply is kept back until the returned function is called. */
  holdReply(): () => void {
    let release!: () => void;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.after(1, (response) => sendAfter(released, response));
    return release;
  }

  /** The server does its work, and its reply comes `milliseconds` late. */
  slowReply(milliseconds: number, times = 1): void {
    this.after(times, (response) => sendAfter(new SystemClock().sleep(milliseconds, false), response));
  }

  private send(name: string, contentType: string, body: string, times: number): void {
    this.instead(name, times, (response) => {
      response.writeHead(200, { 'content-type': contentType }).end(body);
    });
  }
}

function sendAfter(released: Promise<void>, response: ServerResponse): void {
  const send = withhold(response);
  void released.then(send);
}
