import type { Backend } from './backend.js';
import { sessionEnded, TokenClientError } from './token-client.error.js';

/** The backend's answer about the session, as it sends it. */
export interface SessionInfo {
  user: Record<string, unknown>;
  /** ISO 8601: when the session ends at the latest, and when it ends if nobody uses it. */
  expiresAt: string;
  idleExpiresAt: string;
  [more: string]: unknown;
}

export interface SessionEnd {
  /** `logout`: by `logout()`, here or in another tab. `ended`: expired, ended elsewhere, or its refresh token is dead. */
  reason: 'logout' | 'ended';
}

export interface Session {
  /** Grows when what is known may belong to a session that is no more: an answer to an older question is worth nothing. */
  epoch(): number;
  hasEnded(): boolean;
  /** @throws TokenClientError `CLOSED`, `SESSION_ENDED` */
  assertUsable(): void;
  isAlive(): boolean;
  /** The backend has said whose it is. */
  isKnown(): boolean;
  /** The backend has shown that the session lives. */
  seenAlive(): void;
  /** Asks the backend. @throws TokenClientError */
  current(): Promise<SessionInfo | null>;
  /** A request of the page was refused with 401: by the backend, or by an API behind it? Asks. */
  doubt(): Promise<void>;
  /** Somebody says that the session is over. What is known is forgotten; only the backend can still save the session. */
  contest(end: SessionEnd, told?: boolean): Promise<void>;
  /** Forgets what belongs to the session. */
  reset(): void;
  /** Ends it, once. */
  end(end: SessionEnd): void;
  /** Nobody is interested any longer. */
  close(): void;
}

interface Hooks {
  /** The session's access token must be forgotten. */
  onReset(): void;
  onAlive(): void;
  /** It is over; `told` when this came from another tab, which has told everybody. */
  onEnd(end: SessionEnd, told: boolean): void;
}

export function createSession(backend: Backend, hooks: Hooks): Session {
  let state: 'unknown' | 'alive' | 'ended' | 'closed' = 'unknown';
  let epoch = 0;
  let userId: unknown;
  let asking: Promise<SessionInfo | null> | null = null;

  function reset(): void {
    epoch += 1;
    asking = null;
    hooks.onReset();
  }

  const isOver = (): boolean => state === 'ended' || state === 'closed';

  function end(how: SessionEnd, told = false): void {
    reset();
    if (isOver()) return;
    state = 'ended';
    userId = undefined;
    hooks.onEnd(how, told);
  }

  function seenAlive(): void {
    if (state === 'alive' || state === 'closed') return;
    state = 'alive';
    hooks.onAlive();
  }

  /** One question at a time, however many ask. */
  function shared(): Promise<SessionInfo | null> {
    if (asking) return asking;
    const mine = ask().finally(() => {
      if (asking === mine) asking = null;
    });
    return (asking = mine);
  }

  async function ask(): Promise<SessionInfo | null> {
    const asked = epoch;
    const info = await read();
    // Meanwhile somebody has logged out, or was told so: the answer is about a session that was.
    if (asked !== epoch) return isOver() ? null : shared();
    if (!info) return null;
    const next = info.user['userId'];
    // Somebody else has logged in, and the page shows what belongs to the one before.
    if (userId !== undefined && next !== userId) end({ reason: 'ended' });
    userId = next;
    seenAlive();
    return info;
  }

  async function read(): Promise<SessionInfo | null> {
    try {
      const info = await backend.ask('GET', 'auth/session');
      if (typeof info['user'] === 'object' && info['user'] !== null) return info as unknown as SessionInfo;
    } catch (error) {
      if ((error as TokenClientError).code === 'SESSION_ENDED') return null;
      throw error;
    }
    throw new TokenClientError('ANSWER_INVALID', "The backend's answer to auth/session names no user.");
  }

  return {
    epoch: () => epoch,
    hasEnded: isOver,
    assertUsable() {
      if (state === 'closed') throw new TokenClientError('CLOSED', 'This client was closed.');
      if (state === 'ended') throw sessionEnded();
    },
    isAlive: () => state === 'alive',
    isKnown: () => userId !== undefined,
    seenAlive,
    reset,
    end,
    close() {
      reset();
      state = 'closed';
    },
    async current() {
      const info = await shared();
      if (!info && state === 'alive') end({ reason: 'ended' });
      return info;
    },
    async doubt() {
      if (isOver()) return;
      const info = await shared().catch(() => undefined);
      if (info === null) end({ reason: 'ended' });
    },
    async contest(reason, told) {
      reset();
      if (isOver()) return;
      const info = await shared().catch(() => null);
      if (!info) end(reason, told);
    },
  };
}
