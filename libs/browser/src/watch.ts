import type { Backend } from './backend.js';
import { hasEvent } from './event-stream.js';
import { secondsBetween, type Moment } from './moment.js';
import type { Session } from './session.js';
import type { Surroundings } from './surroundings.js';
import type { TokenClientError } from './token-client.error.js';
import type { Settings } from './token-client.options.js';

/** Seconds for which what was heard last is taken for the present; a user who comes back later makes the client ask. */
const STALE = 15;
/** Reconnections after 1, 2, 4, … seconds; after that the next look at the page is waited for. */
const ATTEMPTS = 6;

export interface Watch {
  /** Does nothing while it runs. */
  start(): void;
  stop(): void;
}

/**
 * Learns of the end of the session while nobody calls anything. In sight, it keeps the backend's stream of events open; out
 * of sight it keeps nothing, because a browser has six connections for all tabs of an HTTP/1.1 server, and asks when it is
 * seen again. Sleep, a lost network and a clock that was set show the same way: by what comes after them.
 */
export function createWatch(
  { events }: Settings,
  session: Session,
  backend: Backend,
  { now, isHidden, on }: Surroundings,
): Watch {
  let stream: AbortController | null = null;
  let heardAt: Moment | null = null;
  let streams = events;
  let stops: (() => void)[] = [];
  /** Somebody else may have logged in unheard; not when a page begins, which asks who is there by itself. */
  let unheard = false;

  const heard = (): void => {
    heardAt = now();
  };

  function look(): void {
    if (isHidden() || (heardAt && secondsBetween(heardAt, now()) < STALE)) return;
    heard();
    if (streams) connect();
    else
      session
        .current()
        .then((info) => info ?? stop())
        .catch(() => undefined);
  }

  function connect(): void {
    stream?.abort();
    stream = new AbortController();
    void follow(stream.signal);
  }

  function disconnect(): void {
    stream?.abort();
    stream = heardAt = null;
  }

  function stop(): void {
    for (const away of stops) away();
    stops = [];
    disconnect();
  }

  async function follow(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS && !signal.aborted; attempt += 1) {
      const openedAt = now();
      const mayBeAnother = unheard;
      unheard = true;
      try {
        const { body } = await backend.open('auth/session/events', signal);
        heard();
        session.seenAlive();
        // The stream is about the session that the browser has now, and does not say whose it is.
        if (mayBeAnother || !session.isKnown()) void session.current().catch(() => undefined);
        // Another log-in of this browser ends the session as well, and then there is a new one.
        if (await hasEvent(body!, 'ended', heard)) await session.contest({ reason: 'ended' });
      } catch (error) {
        const { code } = error as TokenClientError;
        if (signal.aborted) return;
        // A page that nobody has logged in on has no session to lose.
        if (code === 'SESSION_ENDED') return session.isAlive() ? session.end({ reason: 'ended' }) : stop();
        if (code === 'REFUSED') streams = false;
      }
      if (!streams) return;
      if (secondsBetween(openedAt, now()) > STALE) attempt = 0;
      await pause(2 ** attempt * (0.5 + Math.random()), signal);
    }
  }

  return {
    start() {
      if (stops.length > 0) return;
      stops = [on('wake', look), on('hide', disconnect)];
      unheard ||= isHidden();
      look();
    },
    stop,
  };
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
