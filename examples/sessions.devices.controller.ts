import { Controller, Delete, Get, HttpCode, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import {
  CurrentSession,
  type Session,
  SessionGuard,
  type SessionRequest,
  type SessionResponse,
  SessionService,
} from '@tokenward/nestjs/session';

/** "Where you are logged in", and what to do about it. */
@Controller('devices')
@UseGuards(SessionGuard)
export class DevicesController {
  constructor(private readonly sessions: SessionService) {}

  @Get()
  async list(@CurrentSession() current: Session) {
    const sessions = await this.sessions.list({ userId: current.userId, tenantId: current.tenantId });
    return sessions.map(({ handle, userAgent, lastSeenAt }) => ({
      handle,
      userAgent,
      lastSeenAt,
      thisOne: handle === current.handle,
    }));
  }

  @Delete(':handle')
  @HttpCode(204)
  async end(@CurrentSession() { userId, tenantId }: Session, @Param('handle') handle: string): Promise<void> {
    await this.sessions.endByHandle({ userId, tenantId, handle });
  }

  @Post('end-others')
  async endOthers(@Req() request: SessionRequest): Promise<{ ended: number }> {
    return { ended: await this.sessions.endOthers(request) };
  }

  @Post('log-out')
  @HttpCode(204)
  async logOut(
    @Req() request: SessionRequest,
    @Res({ passthrough: true }) response: SessionResponse,
  ): Promise<void> {
    await this.sessions.end(request, response);
  }
}
