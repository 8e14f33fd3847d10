import type { OnModuleDestroy } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import type { Clock } from '../common/clock.js';
import type { SessionService } from '../session/session.service.js';
import type { Session, SessionRequest } from '../session/session.types.js';

/** An event as it is sent to a page. */
export interface StreamEvent {
  type: 'open' | 'ping' | 'ended';
  data: object;
}

/** Keeps proxies from closing a silent connection, and finds pages that have gone. */
const PING_MS = 20_000;

/** Pages that wait to be told of the end of their session. */
export class SessionStreams implements OnModuleDestroy {
  readonly #open = new Map<string, Set<Subscriber<StreamEvent>>>();

  constructor(
    private readonly sessions: SessionService,
    private readonly clock: Clock,
    private readonly perSession: number,
  ) {}

  isFull({ handle }: Session): boolean {
    return (this.#open.get(handle)?.size ?? 0) >= this.perSession;
  }

  /** One `open`, then a `ping` now and then, and `ended` when the session is over; ends with it, and at shutdown. */
  of({ handle, expiresAt }: Session, request: SessionRequest): Observable<StreamEvent> {
    return new Observable<StreamEvent>((page) => {
      const pages = this.#open.get(handle) ?? new Set();
      this.#open.set(handle, pages.add(page));
      const end = (): void => {
        page.next({ type: 'ended', data: {} });
        page.complete();
      };
      const subscription = this.sessions.ended.subscribe({
        next: (ended) => ended.handle === handle && end(),
        complete: () => page.complete(),
      });
      page.next({ type: 'open', data: {} });
      // It may have ended before anybody listened.
      // Where that cannot be asked, the page comes again.
      void this.sessions.current(request).then(
        (found) => found?.handle === handle || end(),
        () => page.complete(),
      );
      void this.#ping(page, expiresAt.getTime(), end);
      return () => {
        subscription.unsubscribe();
        pages.delete(page);
        if (pages.size === 0) this.#open.delete(handle);
      };
    });
  }

  /** An open stream would hold up the end of the process. */
  onModuleDestroy(): void {
    for (const pages of this.#open.values()) for (const page of pages) page.complete();
  }

  async #ping(page: Subscriber<StreamEvent>, expiresAt: number, end: () => void): Promise<void> {
    for (;;) {
      await this.clock.sleep(PING_MS, false);
      if (page.closed) return;
      // To show only: what the session may do is decided where it is read.
      if (this.clock.machineTime() >= expiresAt) end();
      else page.next({ type: 'ping', data: {} });
    }
  }
}
