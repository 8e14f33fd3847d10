import { All, Controller, Param, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { CurrentSession, SessionGuard, type Session } from '@tokenward/nestjs/session';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiFaultFilter } from './api-fault.filter.js';
import { callNotListed } from './api.fault.js';
import { ApiProxy } from './api.proxy.js';
import { EndedSessions } from './ended-sessions.js';
import { bodyUnread } from './unread-bodies.js';

/** `/api/<provider>/<path>`: the browser has a session, the API gets a token, and neither sees the other's secret. */
@Controller('api')
@UseGuards(SessionGuard)
@UseFilters(ApiFaultFilter)
export class ApiController {
  constructor(
    private readonly proxy: ApiProxy,
    private readonly ended: EndedSessions,
  ) {}

  @All(':provider/*')
  @RouteConfig(bodyUnread)
  async call(
    @CurrentSession() session: Session,
    @Param('provider') provider: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // As it came over the wire: the router has decoded what it names, and takes more than one way to write it.
    const [here, target] = [`/api/${provider}`, request.raw.url ?? ''];
    if (!target.startsWith(`${here}/`)) throw callNotListed();
    const { userId, tenantId } = session;
    const over = this.ended.of(session, request);
    await this.proxy.pass({ userId, tenantId, provider }, target.slice(here.length), request, reply, over);
  }
}
