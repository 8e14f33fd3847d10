import { Logger } from '@nestjs/common';
import type { AxiosResponse } from 'axios';
import type { FastifyReply } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { addAbortSignal, pipeline, type Readable } from 'node:stream';
import { answerHeaders } from './answer-headers.js';
import { answerTooLarge, ApiFault, apiRedirects, apiUnauthorized } from './api.fault.js';
import type { CallWatch } from './call-watch.js';
import type { ListedApi } from './listed-api.js';
import { Meter } from './meter.js';

export type Answer = AxiosResponse<Readable>;

export interface PassedCall {
  api: ListedApi;
  /** Where it goes to. */
  address: string;
  request: IncomingMessage;
  watch: CallWatch;
}

const logger = new Logger('ApiProxy');

/** Sends an API's answer to the browser as it comes. @throws ApiFault while nothing has been sent */
export function passAnswer(answer: Answer, call: PassedCall, reply: FastifyReply): void {
  const { status, data } = answer;
  const headers = answerHeaders(answer.headers);
  const location = locationOf(answer, call);
  const fault = faultOf(answer, headers, location, call);
  if (fault) {
    data.destroy();
    throw fault;
  }
  void reply.status(status).headers(headers);
  if (location !== null) void reply.header('location', location);
  if (call.request.method === 'HEAD' || status === 204 || status === 304) {
    data.on('error', () => undefined).resume();
    void reply.send();
    return;
  }
  if (!reply.hasHeader('content-type')) void reply.type('application/octet-stream');
  // Now, whenever the first byte may come: a page waits for the headers of an event stream.
  reply.raw.once('pipe', () => reply.raw.flushHeaders());
  void reply.send(metered(data, call));
}

function metered(data: Readable, { watch, api, request }: PassedCall): Readable {
  watch.answered();
  const most = api.limits.answerBytes;
  const meter = new Meter(most, watch.moved, () => watch.end(answerTooLarge(most)));
  pipeline(data, addAbortSignal(watch.signal, meter), (error) => {
    const reason = watch.signal.aborted ? (watch.signal.reason as Error) : error;
    // As before an answer: what has to do with the page and its session alone is no news.
    if (error && !(reason instanceof ApiFault && reason.status < 500))
      logger.warn(`${request.method} ${request.url?.split('?')[0]} was broken off: ${reason?.message}`);
  });
  return meter;
}

/** Null where there is none, or none that stays within the API. */
function locationOf({ headers }: Answer, { api, address }: PassedCall): string | null {
  const location: unknown = headers['location'];
  return typeof location === 'string' ? api.locationHere(location, address) : null;
}

function faultOf(
  { status }: Answer,
  headers: Record<string, string>,
  location: string | null,
  { api: { limits } }: PassedCall,
): ApiFault | null {
  if (status === 401 || status === 407) return apiUnauthorized();
  // A redirect that a browser would follow; 300 and 304 are not.
  if ([301, 302, 303, 307, 308].includes(status) && location === null) return apiRedirects();
  if (Number(headers['content-length'] ?? 0) > limits.answerBytes) return answerTooLarge(limits.answerBytes);
  return null;
}
