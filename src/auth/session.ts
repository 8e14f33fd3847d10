import cookie from '@fastify/cookie';
import session from '@fastify/session';
import type { FastifyInstance } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { SessionUser } from './session-user.js';

declare module 'fastify' {
  interface Session {
    /** Set as soon as a log-in begins, so that its answer is accepted from this browser only. */
    loginStarted?: true;
    user?: SessionUser;
    /** By provider: which generation of the token set the log-in stored. What came after are refreshes. */
    generations?: Record<string, number>;
  }
  interface FastifyRequest {
    /** Read by the library's guard: whose token a route is about. */
    user: SessionUser | null;
  }
}

const lifetimeMs = 8 * 3600 * 1000;
const mostSessions = 10_000;

/** Sessions of this process, for eight hours from log-in: a cookie that says nothing, and its content here. */
export async function registerSessions(fastify: FastifyInstance, secure: boolean): Promise<void> {
  await fastify.register(cookie);
  await fastify.register(session, {
    // They live as long as this process, so the key that signs their ids need not live longer.
    secret: crypto.randomUUID() + crypto.randomUUID(),
    cookieName: secure ? '__Host-tokenward' : 'tokenward',
    cookie: { httpOnly: true, sameSite: 'lax', secure, path: '/', maxAge: lifetimeMs },
    saveUninitialized: false,
    // A slow answer must not bring back a session that has been ended meanwhile.
    rolling: false,
    store: new SessionStore(),
  });
  fastify.decorateRequest('user', null);
  fastify.addHook('preHandler', async (request) => {
    request.user = request.session.user ?? null;
  });
}

type Callback<T> = (error: unknown, value?: T) => void;
type StoredSession = Parameters<session.SessionStore['set']>[1];

class SessionStore implements session.SessionStore {
  private readonly sessions = new LRUCache<string, string>({ max: mostSessions, ttl: lifetimeMs });

  // As text: the object holds on to the request that made it.
  set(id: string, value: StoredSession, done: Callback<void>): void {
    this.sessions.set(id, JSON.stringify(value));
    done(null);
  }

  get(id: string, done: Callback<StoredSession | null>): void {
    const text = this.sessions.get(id);
    const value = text === undefined ? null : (JSON.parse(text) as StoredSession);
    if (value?.cookie.expires) value.cookie.expires = new Date(value.cookie.expires);
    done(null, value);
  }

  destroy(id: string, done: Callback<void>): void {
    this.sessions.delete(id);
    done(null);
  }
}
