import { CSRF_HEADER } from './backend.js';
import { destinationOf } from './destination.js';
import type { Session } from './session.js';
import type { Surroundings } from './surroundings.js';
import type { Settings } from './token-client.options.js';
import type { TokenSource } from './token-source.js';

type Fetch = typeof globalThis.fetch;
type Arguments = Parameters<Fetch>;

/** `fetch` that adds what the destination needs, and repeats a request once if its token was refused. */
export function createFetch(
  settings: Settings,
  session: Session,
  tokens: TokenSource,
  surroundings: Surroundings,
): Fetch {
  async function toBackend(request: Request): Promise<Response> {
    // Of this origin to the end: no redirect takes the header elsewhere.
    const ours = new Request(request, { mode: 'same-origin', credentials: 'same-origin' });
    ours.headers.set(CSRF_HEADER, '1');
    const response = await fetch(ours);
    if (response.status === 401) void session.doubt();
    return response;
  }

  async function toApi(
    request: Request,
    redirect: Request['redirect'],
    repeat: Repeat | null,
  ): Promise<Response> {
    const { signal } = request;
    const send = (again: Request, token: string): Promise<Response> => {
      // In mode "no-cors" the browser would leave the token out, and send the request.
      const ours = new Request(again, { mode: 'cors', redirect });
      ours.headers.set('authorization', `Bearer ${token}`);
      return fetch(ours);
    };
    const token = await tokens.get(signal);
    const response = await send(request, token);
    if (response.status !== 401 || !repeat) return response;
    const other = await tokens.other(token, signal).catch(() => null);
    signal.throwIfAborted();
    // What the API says tells more than the reason why there is no other token.
    if (other === null) return response;
    void response.body?.cancel();
    return send(repeat(), other);
  }

  return async (input, init) => {
    const request = new Request(input, init);
    const destination = destinationOf(request.url, settings, surroundings);
    if (destination === 'backend') return toBackend(request);
    // A token is for the origin that it was meant for: redirects are followed only where the caller asks for it.
    if (destination === 'api')
      return toApi(request, init?.redirect ?? 'error', repeatOf(request, input, init));
    return fetch(request);
  };
}

type Repeat = () => Request;

/** How the request is made once more; null when its body is a stream, which is used up by then. */
function repeatOf(request: Request, input: Arguments[0], init: Arguments[1]): Repeat | null {
  if (init?.body instanceof ReadableStream) return null;
  if (!(input instanceof Request) || init?.body) return () => new Request(input, init);
  const spare = request.clone();
  return () => spare;
}
