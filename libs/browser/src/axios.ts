import { CSRF_HEADER } from './backend.js';
import { destinationOf, type Destination } from './destination.js';
import type { Session } from './session.js';
import type { Surroundings } from './surroundings.js';
import type { Settings } from './token-client.options.js';
import type { TokenSource } from './token-source.js';

// What axios passes there; its types are not known here, because nobody must install axios for this package.
// oxlint-disable-next-line typescript/no-explicit-any
type OfAxios = any;

/** What is used of an instance of axios 1.x. */
export interface AxiosLike {
  interceptors: { request: AxiosInterceptors; response: AxiosInterceptors };
  getUri(config: OfAxios): string;
  request(config: OfAxios): Promise<OfAxios>;
}

export interface AxiosInterceptors {
  use(fulfilled: (value: OfAxios) => OfAxios, rejected?: (error: OfAxios) => OfAxios): number;
  eject(id: number): void;
}

interface Config {
  headers: {
    get(name: string): unknown;
    set(name: string, value: string): unknown;
    delete(name: string): unknown;
  };
  data?: unknown;
  signal?: AbortSignal;
  /** Lives through the merge with the instance's defaults, as a mark in a WeakSet would not. */
  tokenwardRepeat?: true;
}

interface Answer {
  status: number;
  config: Config;
}

/** Adds to the requests of an axios instance what their destination needs. @returns what takes it away again */
export function attachAxios(
  instance: AxiosLike,
  settings: Settings,
  session: Session,
  tokens: TokenSource,
  surroundings: Surroundings,
): () => void {
  const destination = (config: Config): Destination =>
    destinationOf(instance.getUri(config), settings, surroundings);

  async function prepare(config: Config): Promise<Config> {
    const { headers, signal } = config;
    const to = destination(config);
    if (to === 'backend') headers.set(CSRF_HEADER, '1');
    if (to !== 'api') return config;
    try {
      headers.set('Authorization', `Bearer ${await tokens.get(signal)}`);
    } catch (error) {
      // One that is aborted is not sent: axios refuses it next, in its own words.
      if (!signal?.aborted) throw error;
    }
    return config;
  }

  /** The answer to the repeated request; null when there is nothing to repeat. */
  async function repeated(config: Config, status: number | undefined): Promise<{ answer: unknown } | null> {
    const to = destination(config);
    if (to === 'backend' && status === 401) void session.doubt();
    if (to !== 'api') return null;
    const token = String(config.headers.get('Authorization')).slice('Bearer '.length);
    // Errors of axios hold the configuration, and end in logs.
    config.headers.delete('Authorization');
    if (status !== 401 || config.tokenwardRepeat || config.data instanceof ReadableStream) return null;
    const other = await tokens.other(token, config.signal).catch(() => null);
    if (other === null && !config.signal?.aborted) return null;
    const again: Config = { ...config, tokenwardRepeat: true };
    return { answer: (await instance.request(again)) as unknown };
  }

  // These are interceptors of axios, not routes of Express.
  /* oxlint-disable oxc/no-async-endpoint-handlers */
  const before = instance.interceptors.request.use(prepare);
  const after = instance.interceptors.response.use(
    async (answer: Answer) => {
      const repeat = await repeated(answer.config, answer.status);
      return repeat ? repeat.answer : answer;
    },
    async (error: { config?: Config; response?: Answer } | null) => {
      const { config, response } = error ?? {};
      const repeat = config && (await repeated(config, response?.status));
      if (repeat) return repeat.answer;
      throw error;
    },
  );
  /* oxlint-enable oxc/no-async-endpoint-handlers */
  return () => {
    instance.interceptors.request.eject(before);
    instance.interceptors.response.eject(after);
  };
}
