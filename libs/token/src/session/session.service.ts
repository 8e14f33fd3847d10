import type { Observable } from 'rxjs';
import { ReauthorizationRequiredError, SessionRequiredError } from '../common/errors.js';
import { randomBytes } from '../crypto/random.js';
import { sha256 } from '../crypto/sha256.js';
import type { SessionEndings } from '../session-endings.js';
import { assertOpen, headersOf, type SessionCookie } from './session-cookie.js';
import type { SessionEnds } from './session-ends.js';
import {
  attributesText,
  sessionFilter,
  sessionHandle,
  sessionOwner,
  startedSession,
} from './session-input.js';
import type { SessionStore } from './session-store.js';
import type {
  EndedSession,
  Session,
  SessionEndFilter,
  SessionOwner,
  SessionRequest,
  SessionResponse,
  StartSession,
} from './session.types.js';

const ID_BYTES = 32;

/** Sessions of users in the database: the browser has a random id in a cookie, and everything else is here. */
export class SessionService {
  /** The id that a request has got since it came; null where its session has ended. */
  readonly #replaced = new WeakMap<object, string | null>();

  constructor(
    private readonly store: SessionStore,
    private readonly endings: SessionEndings,
    private readonly cookie: SessionCookie,
    private readonly ends: SessionEnds,
  ) {}

  /**
   * Every session that has ended, on whichever replica, within a second, while somebody listens; not those that no one
   * has ended, whose `expiresAt` or `idleExpiresAt` has come. Completes at shutdown. Listen first, then ask `current()`.
   */
  get ended(): Observable<EndedSession> {
    return this.ends.stream;
  }

  /**
   * Starts a session after a log-in, always under a new id (session fixation), and sets its cookie. Ends the one that the
   * browser had before.
   * @throws TokenInputError, before anything is written · ReauthorizationRequiredError when the log-in's stored tokens have
   * been revoked meanwhile · KeyUnavailableError
   */
  async start(request: SessionRequest, response: SessionResponse, what: StartSession): Promise<Session> {
    const before = this.#idOf(request);
    assertOpen(response);
    const started = startedSession(what);
    const id = randomBytes(ID_BYTES).toString('base64url');
    const session = await this.store.insert(sha256(id), started);
    if (session === null) throw new ReauthorizationRequiredError(started.login!.provider, 'tokens_ended');
    if (before !== null) await this.endings.end({ idHash: sha256(before) }, 'replaced');
    this.cookie.write(response, id);
    this.#replaced.set(request, id);
    return session;
  }

  /**
   * The session of a request; null without one. At most one statement, none while it is in memory. A cookie that cannot be
   * ours is not looked up.
   * @throws KeyUnavailableError when its key cannot be used now
   */
  async current(request: SessionRequest): Promise<Session | null> {
    const id = this.#idOf(request);
    return id === null ? null : this.store.find(sha256(id));
  }

  /** Replaces the attributes. @throws SessionRequiredError without a session · TokenInputError */
  async update(request: SessionRequest, what: Required<Pick<StartSession, 'attributes'>>): Promise<Session> {
    headersOf(request);
    const text = attributesText(what?.attributes);
    const session = await this.#required(request);
    if (!(await this.store.replaceAttributes(session, text))) throw new SessionRequiredError();
    return { ...session, attributes: JSON.parse(text) as Record<string, unknown> };
  }

  /** Ends the session of this browser, everywhere, and clears its cookie. Does nothing where there is none. */
  async end(request: SessionRequest, response: SessionResponse): Promise<void> {
    const id = this.#idOf(request);
    assertOpen(response);
    if (id !== null) await this.endings.end({ idHash: sha256(id) }, 'log_out');
    this.cookie.clear(response);
    this.#replaced.set(request, null);
  }

  /** A user's live sessions, the newest first. @throws TokenInputError */
  async list(filter: SessionOwner): Promise<Session[]> {
    return this.store.list(sessionOwner(filter));
  }

  /** Ends one of a user's sessions; false if this user has no such session. @throws TokenInputError */
  async endByHandle(which: SessionOwner & { handle: string }): Promise<boolean> {
    return (await this.endings.end(sessionHandle(which), 'ended_by_user')) > 0;
  }

  /** "Log out my other devices": all sessions of this user but the one of the request; how many. @throws SessionRequiredError */
  async endOthers(request: SessionRequest): Promise<number> {
    const { userId, tenantId, handle } = await this.#required(request);
    return this.endings.end({ userId, tenantId, exceptHandle: handle }, 'ended_by_user');
  }

  /** Ends all sessions that match, as after a back-channel log-out; how many. @throws TokenInputError for a filter without a field */
  async endAll(filter: SessionEndFilter): Promise<number> {
    return this.endings.end(sessionFilter(filter), 'ended_by_application');
  }

  async #required(request: SessionRequest): Promise<Session> {
    const session = await this.current(request);
    if (session === null) throw new SessionRequiredError();
    return session;
  }

  #idOf(request: SessionRequest): string | null {
    headersOf(request);
    const replaced = this.#replaced.get(request);
    return replaced === undefined ? this.cookie.read(request) : replaced;
  }
}
