import { Controller, Get, Param, Redirect, Req, UseFilters } from '@nestjs/common';
import { TokenService } from '@tokenward/nestjs';
import type { FastifyRequest } from 'fastify';
import { LoginFaultFilter } from './login-fault.filter.js';
import { LoginService } from './login.service.js';
import { userAfter } from './session-user.js';

@Controller('auth')
@UseFilters(LoginFaultFilter)
export class LoginController {
  constructor(
    private readonly logins: LoginService,
    private readonly tokens: TokenService,
  ) {}

  @Get('login/:provider')
  @Redirect(undefined, 303)
  async login(
    @Param('provider') provider: string,
    @Req() { session }: FastifyRequest,
  ): Promise<{ url: string }> {
    const url = await this.logins.begin(provider, session.sessionId);
    session.loginStarted = true;
    return { url };
  }

  @Get('callback/:provider')
  @Redirect('/', 303)
  async callback(@Param('provider') provider: string, @Req() request: FastifyRequest): Promise<void> {
    const { session, url } = request;
    const { tokens, identity } = await this.logins.finish(provider, session.sessionId, url);
    const user = userAfter(session.user, provider, identity);
    const { generation } = await this.tokens.storeTokens({ userId: user.id, provider }, tokens);
    const generations = user.id === session.user?.id ? session.generations : {};
    // A new id: whoever knew the one from before the log-in must not be logged in with it (session fixation).
    await session.regenerate();
    request.session.user = user;
    request.session.generations = { ...generations, [provider]: generation };
  }
}
