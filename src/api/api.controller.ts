import { All, Body, Controller, Param, Req, Res, UseGuards } from '@nestjs/common';
import { CurrentSession, SessionGuard, type Session } from '@tokenward/nestjs/session';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiProxy } from './api.proxy.js';

/** `/api/<provider>/<path>`: the browser has a session, the API gets a token, and neither sees the other's secret. */
@Controller('api')
@UseGuards(SessionGuard)
export class ApiController {
  constructor(private readonly proxy: ApiProxy) {}

  @All(':provider/*')
  async call(
    @CurrentSession() user: Session,
    @Param('provider') provider: string,
    @Body() body: unknown,
    @Req() { method, url }: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const path = `/${url.split('/').slice(3).join('/')}`;
    const answer = await this.proxy.call(user, provider, { method, path, body });
    // Of the API's headers only the one that describes the content: its cookies and policies are not this app's. Nor
    // may a document or a script that it answers with do anything in this app's name.
    const type = answer.headers['content-type'] as string | undefined;
    await reply
      .status(answer.status)
      .header('content-security-policy', "sandbox; default-src 'none'")
      .type(type ?? 'application/octet-stream')
      .send(answer.data);
  }
}
