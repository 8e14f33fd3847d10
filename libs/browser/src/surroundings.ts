import type { Moment } from './moment.js';

/** What the client uses of the page or worker that it lives in, so that it can be imported where there is neither. */
export interface Surroundings {
  /** The address that relative ones start from, and the origin that may have the session's cookie; on a server there are none. */
  readonly href: string | undefined;
  readonly origin: string | undefined;
  readonly now: () => Moment;
  readonly isOnline: () => boolean;
  readonly isHidden: () => boolean;
  /** @returns what takes the listener away again */
  readonly on: (type: 'wake' | 'hide' | 'online', listener: () => void) => () => void;
  readonly channel: (name: string) => Channel | undefined;
}

/** What is used of a `BroadcastChannel`. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => unknown): void;
  close(): void;
}

interface Target {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

interface Scope extends Partial<Target> {
  origin?: string;
  location?: { href: string };
  navigator?: { onLine?: boolean };
  document?: Target & { visibilityState: string };
  BroadcastChannel?: new (name: string) => unknown;
}

/** The page, the worker or the server that this script runs in. */
export function present(scope = globalThis as unknown as Scope): Surroundings {
  const isHidden = (): boolean => scope.document?.visibilityState === 'hidden';
  const listen = (target: Partial<Target> | undefined, type: string, listener: () => void): (() => void) => {
    target?.addEventListener?.(type, listener);
    return () => target?.removeEventListener?.(type, listener);
  };
  return {
    href: scope.location?.href,
    origin: scope.location && scope.origin,
    now: () => ({ monotonic: performance.now(), wall: Date.now() }),
    isOnline: () => scope.navigator?.onLine !== false,
    isHidden,
    on(type, listener) {
      if (type === 'online') return listen(scope, 'online', listener);
      const when = (): void => {
        if (isHidden() === (type === 'hide')) listener();
      };
      const stops = [
        listen(scope.document, 'visibilitychange', when),
        // A machine that sleeps with the page in sight changes no visibility; it is seen by what comes after.
        ...(type === 'wake' ? ['online', 'pageshow', 'focus'] : []).map((event) =>
          listen(scope, event, when),
        ),
      ];
      return () => stops.forEach((stop) => stop());
    },
    // Node.js has channels, too; an open one would keep a server that renders pages from ending.
    channel: (name) =>
      scope.location && scope.BroadcastChannel && (new scope.BroadcastChannel(name) as Channel),
  };
}
