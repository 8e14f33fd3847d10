import { ReauthorizationRequiredError, TokenConfigurationError, TokenInputError } from '../common/errors.js';
import { sha256 } from '../crypto/sha256.js';
import type { SessionEndings } from '../session-endings.js';
import { SessionExistsError } from '../store/session-rows.js';
import { startedSession } from './session-input.js';
import type { SessionStore } from './session-store.js';
import type { HostSessions } from './session.options.js';
import type { Session, StartSession } from './session.types.js';

const MAX_ID = 512;

/** Never the hash of an id of our own: whoever sends a host's id in our cookie finds nothing. */
const hashOf = (sessionId: string): string => sha256(`host session ${sessionId}`);

/**
 * Sessions that the application keeps itself (express-session, `@fastify/session`), tied to stored tokens: when these are
 * revoked, or the session is ended here, the application's `hostSessions.destroy` is called.
 */
export class SessionTies {
  constructor(
    private readonly store: SessionStore,
    private readonly endings: SessionEndings,
    private readonly host: HostSessions | null,
  ) {}

  /**
   * Ties a session of the application to the tokens of a log-in, which are stored already. The tie lasts for
   * `absoluteSeconds`; what is left of the session then is destroyed.
   * @throws TokenInputError, also for an id that is tied already · ReauthorizationRequiredError when the tokens have ended
   * · TokenConfigurationError without `hostSessions`
   */
  async tie(sessionId: string, what: StartSession): Promise<Session> {
    assertSessionId(sessionId);
    if (this.host === null)
      throw new TokenConfigurationError([
        'SessionTies needs the option hostSessions of SessionModule: { destroy(sessionId) }.',
      ]);
    const started = startedSession(what);
    try {
      const session = await this.store.insert(hashOf(sessionId), started, sessionId);
      if (session === null) throw new ReauthorizationRequiredError(started.login!.provider, 'tokens_ended');
      return session;
    } catch (error) {
      if (!(error instanceof SessionExistsError)) throw error;
      throw new TokenInputError('sessionId', 'is tied already: a log-in has to regenerate the session first');
    }
  }

  /** What is tied to this session; null when it is over, or was never tied. At most one statement, none from memory. */
  async current(sessionId: string): Promise<Session | null> {
    assertSessionId(sessionId);
    return this.store.find(hashOf(sessionId));
  }

  /** Unties a session that the application ends: its tokens stay. `TokenService.revokeAll({ sessionId: handle })` ends both. */
  async end(sessionId: string): Promise<void> {
    assertSessionId(sessionId);
    await this.endings.end({ idHash: hashOf(sessionId) }, 'log_out');
  }
}

/** It is never printed: whoever knows it has the session. */
function assertSessionId(sessionId: unknown): asserts sessionId is string {
  if (typeof sessionId !== 'string' || sessionId === '' || sessionId.length > MAX_ID)
    throw new TokenInputError('sessionId', `must be a string of 1 to ${MAX_ID} characters`);
}
