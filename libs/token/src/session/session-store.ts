import type { Clock } from '../common/clock.js';
import type { TokenEvents } from '../common/events.js';
import { randomBytes } from '../crypto/random.js';
import { HeardCache } from '../refresh/heard-cache.js';
import type { RowNews } from '../refresh/row-news.js';
import type { SessionFilter, SessionRow, SessionRows } from '../store/session-rows.js';
import { Later } from './later.js';
import { type StartedSession, tokensOf } from './session-input.js';
import type { ResolvedSessionOptions } from './session.options.js';
import type { SealedText } from './sealed-text.js';
import type { Session } from './session.types.js';

/** Field of a record that holds the id of a host's session. */
export const HOST_ID = 'host_session_id';
/** A session is noted to be in use once in this part of its idle time-out. */
const TOUCHES = 10;

/** A row with what was sealed in it. */
interface OpenedSession {
  row: SessionRow;
  /** JSON: each request gets objects of its own. */
  attributes: string;
  /** On the monotonic clock. */
  touchAt: number;
}

/** Reads sessions by the hash of their id, while nothing is heard of them from memory, and writes them. */
export class SessionStore {
  readonly #cache: HeardCache<OpenedSession> | null;
  readonly #touches: Later;

  constructor(
    private readonly rows: SessionRows,
    private readonly sealed: SealedText,
    private readonly events: TokenEvents,
    private readonly clock: Clock,
    private readonly news: RowNews,
    private readonly options: ResolvedSessionOptions,
  ) {
    this.#cache = options.cacheEntries === false ? null : new HeardCache(options.cacheEntries, clock, news);
    this.#touches = new Later(clock, async (handles) => {
      await rows.touch(handles, options.idleMs);
      // Read again, they have their new time-outs.
      for (const handle of handles) this.#cache?.forget(handle);
    });
  }

  /** A live session; null also where what is sealed in it cannot be opened. @throws KeyUnavailableError */
  async find(idHash: string): Promise<Session | null> {
    const found = this.#cache?.get(idHash) ?? (await this.#read(idHash));
    if (found === null) return null;
    if (this.clock.monotonic() >= found.touchAt) this.#touches.add(found.row.handle);
    return toSession(found);
  }

  /** Live ones that can be opened, the newest first. */
  async list(filter: SessionFilter): Promise<Session[]> {
    const opened = await Promise.all((await this.rows.list(filter)).map((row) => this.#openIfPossible(row)));
    return opened.filter((one) => one !== null).map(toSession);
  }

  /**
   * Null when the tokens that it should hang on have ended. `hostId`: of a session that the host keeps, idle time included.
   * @throws KeyUnavailableError · SessionExistsError
   */
  async insert(
    idHash: string,
    session: StartedSession,
    hostId: string | null = null,
  ): Promise<Session | null> {
    const { tenantId, userId, login, userAgent, attributes } = session;
    const { absoluteMs } = this.options;
    const idleMs = hostId === null ? this.options.idleMs : absoluteMs;
    const handle = randomBytes(16).toString('base64url');
    const row = await this.rows.insert({
      handle,
      idHash,
      tenantId,
      userId,
      login,
      userAgent,
      idleMs,
      absoluteMs,
      attributesCt: await this.sealed.seal(attributes, contextOf({ tenantId, handle })),
      hostCt: hostId && (await this.sealed.seal(hostId, { tenantId, recordId: handle, field: HOST_ID })),
      tokens: tokensOf(session),
    });
    if (row === null) return null;
    this.events.emit({ type: 'session_started', recordId: handle });
    return toSession({ row, attributes });
  }

  /** False if the session is over. */
  async replaceAttributes(session: Session, attributes: string): Promise<boolean> {
    const { handle } = session;
    const replaced = await this.rows.replaceAttributes(
      handle,
      await this.sealed.seal(attributes, contextOf(session)),
    );
    this.news.changed(handle);
    return replaced;
  }

  /** Resolves when what was noted is written. */
  settled(): Promise<void> {
    return this.#touches.settled();
  }

  async #read(idHash: string): Promise<OpenedSession | null> {
    const begun = this.#cache?.begin();
    const row = await this.rows.find(idHash);
    const opened = row && (await this.#openIfPossible(row));
    if (opened === null) return null;
    const { handle, tokenId, now, idleExpiresAt, expiresAt } = opened.row;
    const rowIds = tokenId === null ? [handle] : [handle, tokenId];
    const msLeft = Math.min(idleExpiresAt, expiresAt) - now;
    if (begun) this.#cache?.set(idHash, opened, { rowIds, msLeft, msKept: null }, begun);
    return opened;
  }

  async #openIfPossible(row: SessionRow): Promise<OpenedSession | null> {
    const attributes = await this.sealed.open(row.attributesCt, contextOf(row));
    if (attributes === null) return null;
    // The idle time of a host's session is the host's.
    const dueInMs = row.hostCt === null ? row.lastSeenAt + this.options.idleMs / TOUCHES - row.now : Infinity;
    return { row, attributes, touchAt: this.clock.monotonic() + dueInMs };
  }
}

const contextOf = ({ tenantId, handle }: Pick<Session, 'tenantId' | 'handle'>) => ({
  tenantId,
  recordId: handle,
  field: 'session_attributes',
});

function toSession({ row, attributes }: Pick<OpenedSession, 'row' | 'attributes'>): Session {
  const { handle, userId, tenantId, login, userAgent } = row;
  return {
    handle,
    userId,
    tenantId,
    login: login && { ...login },
    attributes: JSON.parse(attributes) as Record<string, unknown>,
    createdAt: new Date(row.createdAt),
    lastSeenAt: new Date(row.lastSeenAt),
    idleExpiresAt: new Date(row.idleExpiresAt),
    expiresAt: new Date(row.expiresAt),
    userAgent,
  };
}
