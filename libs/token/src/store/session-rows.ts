import type { ResolvedTokenRef } from '../common/tokens.js';

/** Why a session is over, in one word; the `reason` label of the metrics. */
export type SessionEndReason =
  /** The user has logged out in this browser. */
  | 'log_out'
  /** The same browser has logged in again. */
  | 'replaced'
  /** The user has ended it from another session. */
  | 'ended_by_user'
  /** The application has ended it, or the provider by way of back-channel log-out, which left its tokens. */
  | 'ended_by_application'
  /** The tokens that it hung on were revoked, as by the log-out of its user, or their refresh token is dead. */
  | 'tokens_ended'
  | 'idle'
  | 'expired';

/** What a log-in has left with a session. */
export interface SessionLogin {
  provider: string;
  account: string;
  /** `sub` of the ID token. */
  subject: string | null;
  /** `sid` of the ID token. */
  sid: string | null;
}

/** A session that was live when it was read. Instants are epoch milliseconds of the database's clock. */
export interface SessionRow {
  /** Id of the row and public name: no one gets in with it. */
  handle: string;
  tenantId: string;
  userId: string;
  login: SessionLogin | null;
  attributesCt: string;
  userAgent: string | null;
  createdAt: number;
  lastSeenAt: number;
  idleExpiresAt: number;
  expiresAt: number;
  /** Row of the tokens that it hangs on. */
  tokenId: string | null;
  /** Of a session that the host keeps: its id there, sealed. */
  hostCt: string | null;
  now: number;
}

export interface NewSession extends Pick<
  SessionRow,
  'handle' | 'tenantId' | 'userId' | 'login' | 'attributesCt' | 'userAgent' | 'hostCt'
> {
  /** Of the secret id. */
  idHash: string;
  /** The tokens that it is to hang on, if they are stored. */
  tokens: ResolvedTokenRef | null;
  idleMs: number;
  absoluteMs: number;
}

/** There is one with this hash, live or not. */
export class SessionExistsError extends Error {}

/** All fields that are given have to match. */
export interface SessionFilter {
  idHash?: string;
  handle?: string;
  exceptHandle?: string;
  userId?: string;
  tenantId?: string;
  provider?: string;
  subject?: string;
  sid?: string;
  tokenId?: string;
}

export interface EndedSession {
  handle: string;
  reason: SessionEndReason;
}

/** Which sessions to look at, so that not all have to be. */
export interface OverSessions {
  /** Those that hang on these rows. */
  tokenIds?: readonly string[];
  /** Those whose tokens have ended within this time. */
  tokensEndedWithinMs?: number;
}

/** A session of the host. */
export interface HostSessionRow {
  handle: string;
  tenantId: string;
  hostCt: string;
}

/**
 * Port: sessions in the database. A session is live until it is ended, until one of its time-outs by the database's
 * clock, or until the tokens that it hangs on have ended: whoever reads it finds that out in the same statement.
 */
export abstract class SessionRows {
  /** A live session by the hash of its id. Batched with the reads of other callers; always from the primary. */
  abstract find(idHash: string): Promise<SessionRow | null>;
  /** Live ones, the newest first. */
  abstract list(filter: SessionFilter): Promise<SessionRow[]>;
  /** The session as the database has it; null when the tokens that it should hang on have ended. @throws SessionExistsError */
  abstract insert(session: NewSession): Promise<SessionRow | null>;
  /** Moves the idle time-out on. */
  abstract touch(handles: readonly string[], idleMs: number): Promise<void>;
  /** False if the session is over. */
  abstract replaceAttributes(handle: string, attributesCt: string): Promise<boolean>;
  /** Ends live sessions for good; which. */
  abstract end(filter: SessionFilter, reason: SessionEndReason): Promise<string[]>;
  /** Marks as ended what is over by time or with its tokens; what. */
  abstract endOver(among?: OverSessions): Promise<EndedSession[]>;
  /**
   * The stored tokens that this session hangs on, over or not, unless another live one hangs on them as well, or they are
   * of a later log-in; null: none.
   */
  abstract tokensOnlyOf(filter: SessionFilter): Promise<ResolvedTokenRef | null>;
  /** Sessions of the host that have ended here within a day and that it has not destroyed yet. `handle`: this one only. */
  abstract unreleased(handle?: string): Promise<HostSessionRow[]>;
  /** The host has destroyed it. */
  abstract release(handle: string): Promise<void>;
  /** What has ended since `instant` of the database's clock, and that clock now. */
  abstract endedSince(instant: number): Promise<{ ended: EndedSession[]; now: number }>;
  /** Deletes one batch of sessions that have ended longer than `retentionMs` ago; how many. */
  abstract deleteEnded(retentionMs: number, limit: number): Promise<number>;
  abstract countLive(): Promise<number>;
}
