import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Inject,
  Injectable,
  Req,
  Sse,
  UseGuards,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { SessionRequiredError, TokenError } from '../common/errors.js';
import { assertOwnPage } from '../session/request-origin.js';
import { SessionService } from '../session/session.service.js';
import type { Session } from '../session/session.types.js';
import type { HttpRequest } from './http.js';
import { SessionStreams, type StreamEvent } from './session-streams.js';

const found = new WeakMap<object, Session>();

/**
 * As `SessionGuard`, without the header, which `EventSource` cannot send: a stream changes nothing, and no other site can
 * read it. Pages of a sibling subdomain, which have the cookie sent, must not use up the few streams of a session either,
 * nor tell by a stream that stays open whether somebody is logged in.
 */
@Injectable()
export class StreamGuard implements CanActivate {
  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(SessionStreams) private readonly streams: SessionStreams,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<HttpRequest>();
    assertOwnPage(request);
    const session = await this.sessions.current(request);
    if (session === null) throw new SessionRequiredError();
    if (this.streams.isFull(session))
      throw new TokenError('TOO_MANY_STREAMS', 'Too many pages of this session listen already.');
    found.set(request, session);
    return true;
  }
}

@Controller()
@UseGuards(StreamGuard)
export class SessionEventsController {
  constructor(@Inject(SessionStreams) private readonly streams: SessionStreams) {}

  /** `ended` when the session is over, whoever has ended it and on whichever replica. */
  @Sse('session/events')
  events(@Req() request: HttpRequest): Observable<StreamEvent> {
    return this.streams.of(found.get(request)!, request);
  }
}
