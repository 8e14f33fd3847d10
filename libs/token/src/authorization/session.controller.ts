import {
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Post,
  Req,
  Res,
  UseGuards,
} from '@nestjs/common';
import { CurrentSession } from '../session/current-session.decorator.js';
import { SessionGuard } from '../session/session.guard.js';
import { SessionService } from '../session/session.service.js';
import type { Session } from '../session/session.types.js';
import { AUTHORIZATION_OPTIONS } from './authorization.tokens.js';
import type { HttpRequest } from './http.js';
import { LogoutService } from './logout.service.js';
import type { ResolvedAuthorizationOptions } from './resolve-options.js';

/** What a page may know of the session that it is in. */
interface SessionAnswer {
  authenticated: true;
  user: Record<string, unknown>;
  expiresAt: Date;
  idleExpiresAt: Date;
}

/** One of the user's devices. */
interface DeviceAnswer {
  handle: string;
  isCurrent: boolean;
  createdAt: Date;
  lastSeenAt: Date;
  userAgent: string | null;
}

/** What the pages of the application ask for. Without a session 401, without the header against cross-site requests 403. */
@Controller()
@UseGuards(SessionGuard)
export class SessionController {
  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(LogoutService) private readonly logouts: LogoutService,
    @Inject(AUTHORIZATION_OPTIONS) private readonly options: ResolvedAuthorizationOptions,
  ) {}

  @Get('session')
  @Header('Cache-Control', 'no-store')
  session(@CurrentSession() session: Session): SessionAnswer {
    const { expiresAt, idleExpiresAt } = session;
    return { authenticated: true, user: this.options.publicUser(session), expiresAt, idleExpiresAt };
  }

  @Get('sessions')
  @Header('Cache-Control', 'no-store')
  async list(@CurrentSession() { userId, tenantId, handle: current }: Session): Promise<DeviceAnswer[]> {
    const found = await this.sessions.list({ userId, tenantId });
    return found.map(({ handle, createdAt, lastSeenAt, userAgent }) => ({
      handle,
      isCurrent: handle === current,
      createdAt,
      lastSeenAt,
      userAgent,
    }));
  }

  @Delete('sessions/:handle')
  @HttpCode(204)
  async end(@CurrentSession() { userId, tenantId }: Session, @Param('handle') handle: string): Promise<void> {
    if (!(await this.sessions.endByHandle({ userId, tenantId, handle })))
      throw new NotFoundException('There is no such session of yours.');
  }

  @Post('sessions/end-others')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async endOthers(@Req() request: HttpRequest): Promise<{ ended: number }> {
    return { ended: await this.sessions.endOthers(request) };
  }

  /** Ends the session at once. The page follows `endSessionUrl`, where there is one, to end that of the provider, too. */
  @Post('logout')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async logOut(
    @CurrentSession() session: Session,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: object,
  ): Promise<{ endSessionUrl: string | null }> {
    // Tokens first: until they are revoked there is a session to log out of again, and with them it is over.
    await this.logouts.revokeTokens(session);
    await this.sessions.end(request, response);
    return { endSessionUrl: await this.logouts.endSessionUrl(session) };
  }
}
