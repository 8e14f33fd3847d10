import { isFresh, isUsable, parseAccessToken, type AccessToken } from './access-token.js';
import type { Backend } from './backend.js';
import { createCoolDown } from './cool-down.js';
import { secondsBetween, type Moment } from './moment.js';
import type { Session } from './session.js';
import type { Surroundings } from './surroundings.js';
import { TokenClientError } from './token-client.error.js';
import type { Settings } from './token-client.options.js';
import { orAborted } from './waiting.js';

/** Tells the backend that an API has refused the token that it gave last, although that should still be valid. */
const REFUSED_HEADER = 'x-tokenward-refused';

/** Seconds in which a refused token is not asked for anew again: an API that refuses everything must not cause a storm. */
const REFUSAL_PAUSE = 10;

export interface TokenSource {
  get(signal?: AbortSignal | null): Promise<string>;
  /** Another token than the one that was refused, or null when there is none to try. */
  other(refused: string, signal?: AbortSignal | null): Promise<string | null>;
  forget(): void;
}

/** The access token of this tab: in this closure and nowhere else, asked for once however many want it. */
export function createTokenSource(
  { provider, timeoutSeconds }: Settings,
  backend: Backend,
  session: Session,
  { now, isOnline, on }: Surroundings,
): TokenSource {
  let token: AccessToken | null = null;
  let flight: { promise: Promise<AccessToken>; forced: boolean } | null = null;
  let refusedAt: Moment | null = null;
  const coolDown = createCoolDown(now);

  function join(forced: boolean): Promise<AccessToken> {
    if (flight) return flight.promise;
    const promise = fetchToken(forced).finally(() => {
      if (flight?.promise === promise) flight = null;
    });
    flight = { promise, forced };
    return promise;
  }

  async function fetchToken(forced: boolean): Promise<AccessToken> {
    try {
      coolDown.check();
      return await ask(forced);
    } catch (error) {
      // The margin before expiry is there to be used.
      if (!forced && token && isUsable(token, now())) return token;
      throw error;
    }
  }

  async function ask(forced: boolean): Promise<AccessToken> {
    const epoch = session.epoch();
    try {
      const asked = await askWhenOnline(forced);
      // Answers to an older question: after a log-out nothing may bring a token back.
      if (epoch !== session.epoch()) return current();
      coolDown.succeeded();
      session.seenAlive();
      return (token = asked);
    } catch (error) {
      if (epoch !== session.epoch()) return current();
      const failure = error as TokenClientError;
      if (failure.code === 'SESSION_ENDED') session.end({ reason: 'ended' });
      else coolDown.failed(failure);
      throw failure;
    }
  }

  async function askWhenOnline(forced: boolean): Promise<AccessToken> {
    try {
      return await askBackend(forced);
    } catch (error) {
      // Asked before it is looked at: some browsers say that they are offline when they are not.
      if (isOnline() || (error as TokenClientError).code !== 'UNAVAILABLE') throw error;
      if (!(await comesOnline())) throw new TokenClientError('OFFLINE', `Offline for ${timeoutSeconds} s.`);
      return askBackend(forced);
    }
  }

  async function askBackend(forced: boolean): Promise<AccessToken> {
    const askedAt = now();
    const init = forced ? { headers: { [REFUSED_HEADER]: '1' } } : undefined;
    return parseAccessToken(await backend.ask('POST', `auth/token/${provider}`, init), askedAt);
  }

  function comesOnline(): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (online: boolean): void => {
        stop();
        clearTimeout(timer);
        resolve(online);
      };
      const stop = on('online', () => done(true));
      const timer = setTimeout(() => done(false), timeoutSeconds * 1000);
    });
  }

  async function current(): Promise<AccessToken> {
    session.assertUsable();
    // While a refused token is being replaced, it is of no use to others either.
    if (token && !flight?.forced && isFresh(token, now())) return token;
    return join(false);
  }

  return {
    async get(signal) {
      signal?.throwIfAborted();
      return (await orAborted(current(), signal)).value;
    },
    async other(refused, signal) {
      if (session.hasEnded()) return null;
      // Somebody else was refused before, and has a newer one already: that is not to be thrown away.
      if (token && token.value !== refused && !flight) return this.get(signal);
      if (!flight) {
        if (refusedAt && secondsBetween(refusedAt, now()) < REFUSAL_PAUSE) return null;
        refusedAt = now();
      }
      const { value } = await orAborted(join(true), signal);
      return value === refused ? null : value;
    },
    forget() {
      token = null;
      flight = null;
    },
  };
}
