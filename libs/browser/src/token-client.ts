import { attachAxios, type AxiosLike } from './axios.js';
import { createBackend } from './backend.js';
import { createFetch } from './fetch.js';
import { logOut, type LoggedOut } from './logout.js';
import { createSession, type SessionEnd, type SessionInfo } from './session.js';
import { present, type Surroundings } from './surroundings.js';
import { createTabs } from './tabs.js';
import { TokenClientError } from './token-client.error.js';
import { readOptions, type TokenClientOptions } from './token-client.options.js';
import { createTokenSource } from './token-source.js';
import { createWatch } from './watch.js';

export interface TokenClient {
  /**
   * `fetch` for the backend and the APIs. To `baseUrl` it adds the CSRF header; to `apiOrigins` the access token, and repeats
   * a request once, with another token, after a 401; to everything else nothing. Without a token nothing is sent.
   * @throws TokenClientError when there is no token, and whatever `fetch` throws
   */
  readonly fetch: typeof globalThis.fetch;
  /** Does the same for an axios instance, before its other interceptors are added. @returns what takes it away again */
  axios(instance: AxiosLike): () => void;
  /** A valid access token, for what has no `fetch`: a WebSocket, a library. Mode `mediated`. @throws TokenClientError */
  getAccessToken(options?: { signal?: AbortSignal }): Promise<string>;
  /** Who is logged in, as the backend says now; null when nobody is. @throws TokenClientError when it cannot say */
  getSession(): Promise<SessionInfo | null>;
  /** Calls back once for each session that ends, wherever it was ended. @returns what takes the callback away */
  onSessionEnd(callback: (end: SessionEnd) => void): () => void;
  /**
   * Ends the session at the backend and in all tabs. It leads nowhere: where the user goes next is up to the page.
   * Without an answer it asks whether the session is over.
   * @throws TokenClientError when it lives on, or the backend does not say
   */
  logout(): Promise<LoggedOut>;
  /** Forgets the token and listens no longer, for a page that makes clients as it goes. Not to be used afterwards. */
  close(): void;
}

/** @throws TokenClientError `CONFIGURATION_INVALID` that lists every fault */
export const createTokenClient = (options: TokenClientOptions): TokenClient =>
  createClient(options, present());

/** @internal */
export function createClient(options: TokenClientOptions, surroundings: Surroundings): TokenClient {
  const settings = readOptions(options, surroundings);
  const listeners = new Set<(end: SessionEnd) => void>();
  const backend = createBackend(settings);
  const { now } = surroundings;
  let leaving: Promise<LoggedOut> | null = null;
  /** Milliseconds of the monotonic clock: how long another tab that has begun to log out may take to say how that went. */
  let othersLeaveUntil = 0;

  const session = createSession(backend, {
    onReset: () => tokens.forget(),
    onAlive: () => listeners.size > 0 && watch.start(),
    onEnd(end, told) {
      watch.stop();
      // While a log-out is under way the end is its doing, whoever tells of it first.
      const reason = leaving || now().monotonic < othersLeaveUntil ? 'logout' : end.reason;
      othersLeaveUntil = 0;
      if (!told) tabs.tell(reason);
      for (const listener of listeners) inform(listener, { reason });
    },
  });
  const tokens = createTokenSource(settings, backend, session, surroundings);
  const watch = createWatch(settings, session, backend, surroundings);
  const tabs = createTabs(settings.base, surroundings, async (news) => {
    othersLeaveUntil = news === 'leaving' ? now().monotonic + settings.timeoutSeconds * 1000 : 0;
    if (news === 'logout' || news === 'ended') await session.contest({ reason: news }, true);
  });

  return Object.freeze<TokenClient>({
    fetch: createFetch(settings, session, tokens, surroundings),
    axios: (instance) => attachAxios(instance, settings, session, tokens, surroundings),
    async getAccessToken({ signal } = {}) {
      if (settings.provider === null)
        throw new TokenClientError(
          'NO_TOKEN_IN_BFF_MODE',
          'Mode "bff" has no access token: call the backend.',
        );
      return tokens.get(signal);
    },
    getSession: () => session.current(),
    onSessionEnd(callback) {
      // Of its own, so that the same function may be given twice.
      const listener = (end: SessionEnd): void => callback(end);
      listeners.add(listener);
      watch.start();
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) watch.stop();
      };
    },
    logout: () =>
      (leaving ??= logOut(backend, session, tabs).finally(() => {
        leaving = null;
      })),
    close() {
      listeners.clear();
      session.close();
      watch.stop();
      tabs.close();
    },
  });
}

/** One listener's fault is reported as its own, and keeps nothing from the others. */
function inform(listener: (end: SessionEnd) => void, end: SessionEnd): void {
  try {
    listener(end);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
