import { sessionEnded, TokenClientError } from './token-client.error.js';
import type { Settings } from './token-client.options.js';

/** Shows the backend that a request comes from its own page: no other origin may send it. */
export const CSRF_HEADER = 'x-tokenward-csrf';

/** Seconds; the most that a backend can make the client wait. */
const LONGEST_RETRY_AFTER = 300;

const UNREACHED = 'The backend could not be reached, or took too long.';

export interface Backend {
  /** The JSON of the answer. @throws TokenClientError */
  ask(method: 'GET' | 'POST', path: string, init?: RequestInit): Promise<Record<string, unknown>>;
  /** An answer without end, until the signal ends it. @throws TokenClientError */
  open(path: string, signal: AbortSignal): Promise<Response>;
}

export function createBackend({ base, timeoutSeconds }: Settings): Backend {
  async function send(path: string, init: RequestInit): Promise<Response> {
    const response = await fetch(new URL(path, base), {
      cache: 'no-store',
      credentials: 'same-origin',
      // A detour to a log-in page is no answer.
      redirect: 'error',
      ...init,
      headers: { ...(init.headers as Record<string, string>), [CSRF_HEADER]: '1' },
    } as RequestInit).catch((): never => {
      throw unavailable(UNREACHED);
    });
    if (!response.ok) throw await failure(response);
    return response;
  }

  return {
    async ask(method, path, init) {
      const signal = AbortSignal.timeout(timeoutSeconds * 1000);
      const response = await send(path, { ...init, method, signal });
      return json(response).catch((): never => {
        if (signal.aborted) throw unavailable(UNREACHED);
        throw new TokenClientError('ANSWER_INVALID', `The backend's answer to ${path} is no object.`);
      });
    },
    open: (path, signal) => send(path, { signal, headers: { accept: 'text/event-stream' } }),
  };
}

async function failure(response: Response): Promise<TokenClientError> {
  const { status } = response;
  if (status === 401) return sessionEnded();
  const { code } = await json(response).catch((): Record<string, unknown> => ({}));
  const problem = typeof code === 'string' ? code : undefined;
  const details = { status, problem };
  if (status !== 429 && status < 500)
    return new TokenClientError('REFUSED', `The backend refuses (${problem ?? status}).`, details);
  return unavailable(`The backend cannot answer now (${problem ?? status}).`, {
    ...details,
    retryAfterSeconds: retryAfter(response),
  });
}

async function json(response: Response): Promise<Record<string, unknown>> {
  const body: unknown = await response.json();
  if (typeof body !== 'object' || body === null) throw new TypeError('no object');
  return body as Record<string, unknown>;
}

/** Seconds only (RFC 9110 section 10.2.3 also has dates, which would need a clock that is right). */
function retryAfter(response: Response): number | undefined {
  const header = response.headers.get('retry-after') ?? '';
  return /^\d{1,9}$/.test(header) ? Math.min(Number(header), LONGEST_RETRY_AFTER) : undefined;
}

export const unavailable = (
  message: string,
  details?: ConstructorParameters<typeof TokenClientError>[2],
): TokenClientError => new TokenClientError('UNAVAILABLE', message, details);
