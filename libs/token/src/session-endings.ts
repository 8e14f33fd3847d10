import type { TokenEvents } from './common/events.js';
import type { RowNews } from './refresh/row-news.js';
import type { EndedSession, SessionEndReason, SessionFilter, SessionRows } from './store/session-rows.js';

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

  /** Those that are over by time or with their tokens, so that everybody hears of it; `tokenIds`: with these. How many. */
  async endOver(tokenIds?: readonly string[]): Promise<number> {
    const ended = await this.rows.endOver(tokenIds);
    this.#tell(ended);
    return ended.length;
  }

  #tell(ended: readonly EndedSession[]): void {
    for (const { handle, reason } of ended) {
      this.news.changed(handle);
      this.events.emit({ type: 'session_ended', recordId: handle, reason });
    }
  }
}
