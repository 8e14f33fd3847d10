import type { TokenEvents } from './common/events.js';
import type { ResolvedTokenRef } from './common/tokens.js';
import type { RowNews } from './refresh/row-news.js';
import type {
  EndedSession,
  OverSessions,
  SessionEndReason,
  SessionFilter,
  SessionRows,
} from './store/session-rows.js';

/** Ends sessions: in the database, in the memory of this replica at once, and for those who count. */
export class SessionEndings {
  constructor(
    private readonly rows: SessionRows,
    private readonly news: RowNews,
    private readonly events: TokenEvents,
  ) {}

  /** How many. */
  async end(filter: SessionFilter, reason: SessionEndReason): Promise<number> {
    const handles = await this.rows.end(filter, reason);
    this.#tell(handles.map((handle) => ({ handle, reason })));
    return handles.length;
  }

  /** Those that are over by time or with their tokens, so that everybody hears of it; how many. */
  async endOver(among?: OverSessions): Promise<number> {
    const ended = await this.rows.endOver(among);
    this.#tell(ended);
    return ended.length;
  }

  /**
   * Ends the sessions and names the stored tokens that only they hung on, if there are any. In this order: of two sessions
   * on the same tokens that end at the same time, one finds itself to be the last.
   */
  async endForTokens(filter: SessionFilter): Promise<ResolvedTokenRef | null> {
    await this.end(filter, 'ended_by_application');
    return this.rows.tokensOnlyOf(filter);
  }

  /** Deletes one batch of those that have ended longer than `retentionMs` ago; how many. */
  deleteEnded(retentionMs: number, limit: number): Promise<number> {
    return this.rows.deleteEnded(retentionMs, limit);
  }

  #tell(ended: readonly EndedSession[]): void {
    for (const { handle, reason } of ended) {
      this.news.changed(handle);
      this.events.emit({ type: 'session_ended', recordId: handle, reason });
    }
  }
}
