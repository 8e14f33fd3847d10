import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { SessionRequiredError, TokenConfigurationError } from '../common/errors.js';
import { assertSameOrigin } from './request-origin.js';
import { SessionService } from './session.service.js';
import type { Session, SessionRequest } from './session.types.js';

const found = new WeakMap<object, Session>();

/** The session that the guard has found for this request. */
export function sessionOf(request: object): Session {
  const session = found.get(request);
  if (!session)
    throw new TokenConfigurationError(
      ['@CurrentSession() needs @UseGuards(SessionGuard) on the route or its controller.'],
      'GUARD_MISSING',
    );
  return session;
}

/**
 * Lets a request through that comes from a page of this origin and has a session; `request.user` then is
 * `{ userId, tenantId }`, unless the application has set one, which is where `TokenGuard` looks. Every request needs the
 * header `x-tokenward-csrf: 1`, else 403; without a session 401.
 */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<SessionRequest & { host?: string; user?: unknown }>();
    assertSameOrigin(request);
    const session = await this.sessions.current(request);
    if (session === null) throw new SessionRequiredError();
    found.set(request, session);
    request.user ??= { userId: session.userId, tenantId: session.tenantId };
    return true;
  }
}
