import type { Surroundings } from './surroundings.js';
import type { Settings } from './token-client.options.js';

/** Where a request goes decides what it carries: the CSRF header, the access token, or nothing of ours. */
export type Destination = 'backend' | 'api' | 'elsewhere';

/** Reads the address as the browser will, so that no spelling of it leads elsewhere. */
export function destinationOf(
  address: string,
  { base, apiOrigins }: Settings,
  { href }: Surroundings,
): Destination {
  const url = new URL(address, href);
  if (url.origin === base.origin && `${url.pathname}/`.startsWith(base.pathname)) return 'backend';
  return apiOrigins.has(url.origin) ? 'api' : 'elsewhere';
}
