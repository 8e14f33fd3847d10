import { PassThrough, Readable } from 'node:stream';
import type { AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { TokenConfigurationError } from '../common/errors.js';
import type { Provider } from '../oauth/providers.js';

/**
 * Where a request with this provider's token would go.
 * @throws TokenConfigurationError unless that is one of the provider's `apiOrigins` and nothing would replace the token
 */
export function allowedTarget(uri: string, config: InternalAxiosRequestConfig, provider: Provider): URL {
  const refuse = (problem: string): TokenConfigurationError =>
    new TokenConfigurationError([problem], 'EGRESS_REFUSED');
  if (!URL.canParse(uri)) throw refuse('A request that carries a token needs an absolute URL, or a baseURL.');
  const target = new URL(uri);
  const allowed = provider.options.apiOrigins ?? [];
  if (!allowed.includes(target.origin)) {
    throw refuse(
      `Tokens of provider "${provider.name}" do not go to ${target.origin}: add it to providers.${provider.name}.apiOrigins if it is this provider's API.`,
    );
  }
  if (target.username || target.password || config.auth)
    throw refuse('Basic credentials would replace the access token: remove them from the request.');
  return target;
}

/** What follow-redirects is about to send. */
export interface RedirectOptions {
  protocol?: string;
  hostname?: string;
  port?: string | number;
  path?: string;
  method?: string;
  headers?: Record<string, unknown>;
}

/** Only the http adapter lets redirects be checked. A function, such as a test's, is the application's own doing. */
export function checkedAdapter(config: InternalAxiosRequestConfig): InternalAxiosRequestConfig['adapter'] {
  return typeof config.adapter === 'function' ? config.adapter : 'http';
}

/** Origin that a redirect leads to when it is another one than the request's; the token must not follow it. */
export function foreignOrigin(options: RedirectOptions, target: URL): string | null {
  const { protocol, hostname = '' } = options;
  const port = options.port ? `:${options.port}` : '';
  const host = hostname.includes(':') && !hostname.startsWith('[') ? `[${hostname}]` : hostname;
  const { origin } = new URL(`${protocol}//${host}${port}`);
  return origin === target.origin ? null : origin;
}

/**
 * A response without what would show the token to whoever prints it: the header in its config and the raw request, which
 * a streamed body and its errors refer to as well. `translate` makes those errors fit to be seen.
 */
export function withoutSecrets(response: AxiosResponse, translate: (error: unknown) => Error): AxiosResponse {
  response.config.headers.delete('Authorization');
  response.config.headers.delete('DPoP');
  delete (response as { request?: unknown }).request;
  const body: unknown = response.data;
  if (body instanceof Readable) response.data = relay(body, translate);
  return response;
}

function relay(body: Readable, translate: (error: unknown) => Error): PassThrough {
  const out = new PassThrough();
  body.on('error', (error) => out.destroy(translate(error)));
  body.once('close', () => {
    if (!body.readableEnded) out.destroy(translate(new Error('closed')));
  });
  out.once('close', () => body.destroy());
  return body.pipe(out);
}

/** A body that can be sent only once. */
export function isSingleUse(data: unknown): boolean {
  return (
    data instanceof ReadableStream ||
    (typeof data === 'object' && data !== null && 'pipe' in data && typeof data.pipe === 'function')
  );
}
