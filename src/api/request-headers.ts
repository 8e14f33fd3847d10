import type { IncomingHttpHeaders } from 'node:http';

/** What a page may tell an API. Everything else says something about this app, its session or its network. */
const passed = [
  'accept',
  'accept-encoding',
  'accept-language',
  'content-encoding',
  'content-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'prefer',
  'range',
];

/** Named by `Connection`: meant for the next hop only (RFC 9110 §7.6.1). */
export const hopByHop = (connection: string | undefined): ReadonlySet<string> =>
  new Set(connection?.toLowerCase().split(/[\s,]+/));

/** The headers of a browser's request that go on to an API. False: axios shall not bring one of its own. */
export function requestHeaders(headers: IncomingHttpHeaders): Record<string, string | false> {
  const forThisHop = hopByHop(headers.connection);
  const chosen = passed
    .filter((name) => typeof headers[name] === 'string' && !forThisHop.has(name))
    .map((name) => [name, headers[name] as string] as const);
  return {
    accept: false,
    'accept-encoding': false,
    'content-type': false,
    'user-agent': 'tokenward',
    ...Object.fromEntries(chosen),
  };
}
