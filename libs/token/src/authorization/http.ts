import type { SessionRequest } from '../session/session.types.js';

/** As much of a request of Express and of Fastify as the routes look at. */
export interface HttpRequest extends SessionRequest {
  /** With the query, as it was sent. */
  url: string;
  originalUrl?: string;
}

/** What stands behind the first question mark. */
export function queryOf({ originalUrl, url }: HttpRequest): string {
  const sent = originalUrl ?? url;
  const mark = sent.indexOf('?');
  return mark === -1 ? '' : sent.slice(mark + 1);
}

/** The only value of a header; undefined for none, and for several. */
export function headerOf({ headers }: SessionRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
