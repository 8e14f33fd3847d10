import { CrossSiteRequestError } from '../common/errors.js';
import { headersOf } from './session-cookie.js';
import type { SessionRequest } from './session.types.js';

export const CSRF_HEADER = 'x-tokenward-csrf';

/**
 * Whether a request comes from a page of this origin. A page of another one cannot send a header of its own without being
 * allowed to by CORS (OAuth 2.0 for Browser-Based Apps §6.1.3.3.1), and what browsers say of themselves must not disagree.
 * @throws CrossSiteRequestError
 */
export function assertSameOrigin(request: SessionRequest & { host?: string }): void {
  const headers = headersOf(request);
  if (headers[CSRF_HEADER] !== '1')
    throw new CrossSiteRequestError(`This request needs the header "${CSRF_HEADER}: 1".`);
  assertOwnPage(request);
}

/**
 * What browsers say of themselves, for requests that cannot have the header, such as those of `EventSource`.
 * @throws CrossSiteRequestError
 */
export function assertOwnPage(request: SessionRequest & { host?: string }): void {
  const headers = headersOf(request);
  const site = headers['sec-fetch-site'];
  // Browsers know better than a server behind a proxy (Fetch Metadata §2.3).
  if (
    site !== undefined ? site !== 'same-origin' : !isOwn(headers['origin'], request.host ?? headers['host'])
  )
    throw new CrossSiteRequestError('This request comes from a page of another origin.');
}

function isOwn(origin: unknown, host: unknown): boolean {
  if (origin === undefined) return true;
  if (typeof origin !== 'string' || typeof host !== 'string' || !URL.canParse(origin)) return false;
  const { protocol, host: theirs } = new URL(origin);
  const ours = `${protocol}//${host}`;
  return URL.canParse(ours) && new URL(ours).host === theirs;
}
