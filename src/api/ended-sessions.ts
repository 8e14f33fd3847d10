import { Injectable } from '@nestjs/common';
import {
  type EndedSession,
  type Session,
  type SessionRequest,
  SessionService,
} from '@tokenward/nestjs/session';
import { filter, merge, type Observable, of, share, switchMap, timer } from 'rxjs';

/** Listening has statements of its own: so long it goes on after a call, for the sake of the next one. */
const listensOnMs = 60_000;
/** A timer cannot wait longer. */
const longestMs = 2 ** 31 - 1;
/** What this machine's clock says of the end is only a reason to ask, and to ask again after so long. */
const askAgainMs = 60_000;

/** Tells whoever passes something on to a page that the session it came with is over. */
@Injectable()
export class EndedSessions {
  private readonly ended: Observable<EndedSession>;

  constructor(private readonly sessions: SessionService) {
    const resetOnRefCountZero = (): Observable<unknown> => timer(listensOnMs);
    // Complete at shutdown, it stays so: a timer would hold up the end of the process.
    this.ended = sessions.ended.pipe(share({ resetOnRefCountZero, resetOnComplete: false }));
  }

  /** Something comes as soon as `session`, which `request` came with, is over; an error where nobody can say. */
  of({ handle, expiresAt }: Session, request: SessionRequest): Observable<unknown> {
    const untilEndMs = Math.min(Math.max(expiresAt.getTime() - Date.now(), 0), longestMs);
    // It may have ended before anybody listened.
    const looks = merge(of(0), timer(untilEndMs, askAgainMs));
    return merge(
      this.ended.pipe(filter((ended) => ended.handle === handle)),
      looks.pipe(
        switchMap(() => this.sessions.current(request)),
        filter((found) => found?.handle !== handle),
      ),
    );
  }
}
