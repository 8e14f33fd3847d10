import type { SessionLogin } from '../store/session-rows.js';

export type { EndedSession, SessionEndReason, SessionLogin } from '../store/session-rows.js';

/** What a log-in knows of the session that it starts. */
export interface StartSession {
  /** The application's own id of the user: 1 to 255 characters, no control characters. */
  userId: string;
  /** Default: `default`. */
  tenantId?: string;
  /**
   * The log-in at a provider that it comes from. Where its tokens are stored, the session hangs on them: it is over when
   * they are revoked or their refresh token is dead. Store them first.
   */
  login?: {
    /** A name from `TokenModuleOptions.providers`. */
    provider: string;
    /** Default: `default`. */
    account?: string;
    /** `sub` of the ID token (OpenID Connect Core 1.0 §2), for back-channel log-out. */
    subject?: string;
    /** `sid` of the ID token (OpenID Connect Back-Channel Logout 1.0 §2.1), where the provider sends one. */
    sid?: string;
  };
  /** What the application wants to know with each request: JSON, at most 4 KB, sealed under the tenant's key. */
  attributes?: Record<string, unknown>;
  /** For the user's list of devices; cut after 200 characters. */
  userAgent?: string;
}

/** A live session, as it was when it was read. The id in the cookie is not part of it. */
export interface Session {
  /** Its public name: random, for lists and for ending it. Lets nobody in. */
  handle: string;
  userId: string;
  tenantId: string;
  login: SessionLogin | null;
  attributes: Record<string, unknown>;
  createdAt: Date;
  /** Of a request; at most a tenth of the idle time-out old. */
  lastSeenAt: Date;
  idleExpiresAt: Date;
  expiresAt: Date;
  userAgent: string | null;
}

/** Whose sessions. */
export interface SessionOwner {
  userId: string;
  /** Default: `default`. */
  tenantId?: string;
}

/** Which sessions `endAll` ends: those that match all fields that are given. `subject` and `sid` need their `provider`. */
export interface SessionEndFilter {
  userId?: string;
  tenantId?: string;
  provider?: string;
  /** `sub` of the ID token. */
  subject?: string;
  /** `sid` of the ID token. */
  sid?: string;
}

/** A request of Express, Fastify or Node.js. */
export interface SessionRequest {
  headers: Record<string, string | string[] | undefined>;
}

/** A response of Express or Node.js, or a reply of Fastify. */
export type SessionResponse = object;
