import type { IncomingMessage } from 'node:http';
import { addAbortSignal, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { requestTooLarge } from './api.fault.js';
import type { CallWatch } from './call-watch.js';
import { Meter } from './meter.js';

/** A body of a known length up to this is read first, so that it can be sent again with a new token after a 401. */
const repeatableBytes = 64 * 1024;

interface RequestBody {
  data?: Buffer | Readable;
  headers: Record<string, string>;
}

/**
 * What a request brings along, as it goes on to the API, and the header that says where it ends: a body that nothing
 * delimits would be read as the next request on that connection (RFC 9112 §6).
 * @throws ApiFault `REQUEST_TOO_LARGE`
 */
export async function requestBody(
  request: IncomingMessage,
  most: number,
  watch: CallWatch,
): Promise<RequestBody> {
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
  if (coding === undefined && Number(length ?? 0) === 0) return { headers: {} };
  if (Number(length ?? 0) > most) throw requestTooLarge(most);
  const metered = new Meter(most, watch.moved, () => watch.end(requestTooLarge(most)));
  // The call fails of its signal; that this stream does, too, is no news.
  metered.on('error', () => undefined);
  const data = request.pipe(addAbortSignal(watch.signal, metered));
  if (length === undefined) return { data, headers: { 'transfer-encoding': 'chunked' } };
  return {
    data: Number(length) > repeatableBytes ? data : await buffer(data),
    headers: { 'content-length': length },
  };
}
