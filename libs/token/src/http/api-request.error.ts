import { type AxiosError, isAxiosError } from 'axios';
import { TokenError } from '../common/errors.js';

/**
 * An API call that failed after its token was attached. Says what is needed to act and carries neither request, response
 * nor token. An application that wants the answer's body sets `validateStatus: () => true` and reads the response.
 */
export class ApiRequestError extends TokenError {
  constructor(
    code: 'API_RESPONSE_ERROR' | 'API_UNREACHABLE' | 'API_REDIRECT_REFUSED' | 'API_REQUEST_CANCELED',
    message: string,
    /** Status of the answer, null where there was none. */
    readonly status: number | null,
    /** `Retry-After` of the answer in seconds, where it is given as a number. */
    readonly retryAfter: number | null,
    readonly method: string,
    /** Without query and fragment, which may hold secrets. */
    readonly url: string,
  ) {
    super(code, message);
  }
}

/** Only short upper-case codes such as ECONNREFUSED are repeated: an error's message may hold anything. */
const codeOf = (error: { code?: unknown }): string =>
  typeof error.code === 'string' && /^[A-Z_]{3,40}$/.test(error.code) ? error.code : 'failed';

/** What a streamed answer breaks off with. */
export function toStreamError(error: unknown, method: string, target: URL): ApiRequestError {
  const url = target.origin + target.pathname;
  const verb = method.toUpperCase();
  if (isAxiosError(error) && error.code === 'ERR_CANCELED') {
    return new ApiRequestError(
      'API_REQUEST_CANCELED',
      `${verb} ${url} was cancelled.`,
      null,
      null,
      verb,
      url,
    );
  }
  const code = codeOf(error as { code?: unknown });
  return new ApiRequestError(
    'API_UNREACHABLE',
    `${verb} ${url}: the answer broke off (${code}).`,
    null,
    null,
    verb,
    url,
  );
}

export function toApiRequestError(
  error: AxiosError,
  target: URL,
  redirectedTo: string | null,
): ApiRequestError {
  const method = (error.config?.method ?? 'get').toUpperCase();
  const url = target.origin + target.pathname;
  const status = error.response?.status ?? null;
  const header: unknown = error.response?.headers['retry-after'];
  const retryAfter = typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : null;
  if (redirectedTo !== null) {
    return new ApiRequestError(
      'API_REDIRECT_REFUSED',
      `${method} ${url} was redirected to ${redirectedTo}, where this token may not go.`,
      status,
      null,
      method,
      url,
    );
  }
  if (status !== null)
    return new ApiRequestError(
      'API_RESPONSE_ERROR',
      `${method} ${url} answered ${status}.`,
      status,
      retryAfter,
      method,
      url,
    );
  if (error.code === 'ERR_CANCELED')
    return new ApiRequestError(
      'API_REQUEST_CANCELED',
      `${method} ${url} was cancelled.`,
      null,
      null,
      method,
      url,
    );
  return new ApiRequestError(
    'API_UNREACHABLE',
    `${method} ${url} got no answer (${codeOf(error)}).`,
    null,
    null,
    method,
    url,
  );
}
