import { TokenClientError } from './token-client.error.js';
import type { Surroundings } from './surroundings.js';

export interface CommonOptions {
  /** Where the backend is, on the page's own origin: `/`, or a path such as `/backend`. Routes are looked for below it: `auth/session`. */
  baseUrl: string;
  /** How long the backend may take for an answer, 1 to 300; default 30, the time that it gives a provider. */
  timeoutSeconds?: number;
  /** Whether a page that is in sight and listens to `onSessionEnd` keeps `auth/session/events` open; default true. */
  events?: boolean;
}

/** The browser has a cookie, and no token. */
export interface BffOptions extends CommonOptions {
  mode: 'bff';
}

/** The browser has an access token of one provider, in memory, and gets it from the backend. One client per provider. */
export interface MediatedOptions extends CommonOptions {
  mode: 'mediated';
  /** The provider's name in the backend's configuration. */
  provider: string;
  /** The only origins that ever receive the access token: `https://api.example.com`. The backend's own is none of them. */
  apiOrigins: readonly string[];
}

export type TokenClientOptions = BffOptions | MediatedOptions;

export interface Settings {
  /** Ends with a slash. */
  base: URL;
  provider: string | null;
  apiOrigins: ReadonlySet<string>;
  timeoutSeconds: number;
  events: boolean;
}

/** The same as on the server. */
const PROVIDER = /^[a-z0-9][a-z0-9_-]{0,63}$/;

/** A server that renders pages may make a client; what it would send goes nowhere (RFC 2606). */
const NOWHERE = 'https://page.invalid/';

/** @throws TokenClientError `CONFIGURATION_INVALID` that lists every fault */
export function readOptions(options: TokenClientOptions, { href, origin }: Surroundings): Settings {
  const { baseUrl, mode, timeoutSeconds = 30, events = true } = options;
  const { provider, apiOrigins } = options as Partial<MediatedOptions>;
  const faults: string[] = [];
  const demand = (holds: unknown, fault: string): void => {
    if (!holds) faults.push(fault);
  };

  const base = parse(baseUrl, href ?? NOWHERE);
  demand(base && !base.search && !base.hash, 'baseUrl must be an address without query, "/" or "/backend"');
  // Its cookie goes nowhere else.
  if (origin) demand(base?.origin === origin, `baseUrl must be on the page's own origin, ${origin}`);
  demand(timeoutSeconds >= 1 && timeoutSeconds <= 300, 'timeoutSeconds must be 1 to 300');
  if (mode === 'mediated') {
    demand(PROVIDER.test(provider ?? ''), 'provider must name a provider of the backend');
    demand(apiOrigins?.length, 'apiOrigins must name who gets the token');
  } else {
    demand(mode === 'bff', 'mode must be "bff" or "mediated"');
    demand(!provider && !apiOrigins, 'provider and apiOrigins belong to mode "mediated"');
  }
  for (const api of apiOrigins ?? []) {
    demand(isSecureOrigin(api), `apiOrigins: "${api}" must look like "https://api.example.com"`);
    demand(api !== base?.origin, `apiOrigins: "${api}" is the backend's own, which has the cookie`);
  }

  if (!base || faults.length > 0)
    throw new TokenClientError('CONFIGURATION_INVALID', `createTokenClient: ${faults.join('; ')}.`);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return { base, provider: provider ?? null, apiOrigins: new Set(apiOrigins), timeoutSeconds, events };
}

function parse(address: string, relativeTo: string | undefined): URL | null {
  try {
    return new URL(address, relativeTo);
  } catch {
    return null;
  }
}

function isSecureOrigin(origin: string): boolean {
  const url = parse(origin, undefined);
  const local = url && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  return url?.origin === origin && (url.protocol === 'https:' || (url.protocol === 'http:' && !!local));
}
