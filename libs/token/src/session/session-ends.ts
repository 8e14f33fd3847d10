import { Observable, ReplaySubject, share, takeUntil } from 'rxjs';
import type { Clock } from '../common/clock.js';
import type { RowNews } from '../refresh/row-news.js';
import type { SessionEndings } from '../session-endings.js';
import type { EndedSession, SessionRows } from '../store/session-rows.js';

const UNHEARD_MS = 400;
/** Where news flow they wake it; this is for the one that gets lost. */
const HEARD_MS = 10_000;
/** So often it is looked for sessions whose tokens have ended in a process that did not live to end them. */
const LOOK_MS = 10_000;
/** A transaction that began before another may commit after it. */
const OVERLAP_MS = 5_000;
const HANDLE = /^[\w-]{22}$/;

/** Tells of sessions that have ended, on whichever replica, while somebody listens. */
export class SessionEnds {
  readonly stream: Observable<EndedSession>;
  readonly #stopped = new ReplaySubject<void>(1);
  #wake: () => void = () => undefined;

  constructor(
    private readonly rows: SessionRows,
    private readonly endings: SessionEndings,
    private readonly news: RowNews,
    private readonly clock: Clock,
  ) {
    news.follow((rowId) => {
      if (rowId === null || HANDLE.test(rowId)) this.#wake();
    });
    this.stream = new Observable<EndedSession>((listener) => {
      const told = new Set<string>();
      void this.#watch(
        () => listener.closed,
        (ended) => {
          for (const one of ended.filter(({ handle }) => !told.has(handle))) {
            // Whoever asks for it after this was told shall not get it from memory.
            this.news.changed(one.handle);
            listener.next(one);
          }
          told.clear();
          for (const { handle } of ended) told.add(handle);
        },
      );
      return () => this.#wake();
    }).pipe(takeUntil(this.#stopped), share());
  }

  /** Whoever listens hears that there will be nothing more. */
  stop(): void {
    this.#stopped.next();
  }

  async #watch(isOver: () => boolean, tell: (ended: EndedSession[]) => void): Promise<void> {
    let since: number | null = null;
    let lookedAt = -Infinity;
    while (!isOver()) {
      // Whatever is heard while it reads may not have been read.
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      try {
        if (this.clock.monotonic() - lookedAt >= LOOK_MS) {
          await this.endings.endOver({ tokensEndedWithinMs: 6 * LOOK_MS });
          lookedAt = this.clock.monotonic();
        }
        since ??= (await this.rows.endedSince(Number.MAX_SAFE_INTEGER)).now - OVERLAP_MS;
        const { ended, now } = await this.rows.endedSince(since);
        if (isOver()) return;
        tell(ended);
        since = now - OVERLAP_MS;
      } catch {
        // The database is away, which shows elsewhere; what ends meanwhile is told when it is back.
      }
      await Promise.race([woken, this.clock.sleep(this.news.flowing ? HEARD_MS : UNHEARD_MS, false)]);
    }
  }
}
