import { Controller, Get, HttpCode, Inject, Post, Req, UseGuards } from '@nestjs/common';
import { TokenService } from '@tokenward/nestjs';
import type { FastifyRequest } from 'fastify';
import { ProviderDirectory, type OfferedProvider } from '../providers/provider-directory.js';
import { CurrentUser } from './current-user.js';
import { LogoutService } from './logout.service.js';
import { SessionGuard } from './session.guard.js';
import type { SessionUser } from './session-user.js';

interface SessionAnswer {
  user: SessionUser | null;
  providers: OfferedProvider[];
  /** The path of the operator's page where users are shown the way to it, else null. */
  operatorPage: string | null;
}

export const OPERATOR_PAGE = Symbol('operator page');

@Controller('auth')
export class SessionController {
  constructor(
    private readonly providers: ProviderDirectory,
    private readonly tokens: TokenService,
    private readonly logouts: LogoutService,
    @Inject(OPERATOR_PAGE) private readonly operatorPage: SessionAnswer['operatorPage'],
  ) {}

  @Get('session')
  session(@Req() { user }: FastifyRequest): SessionAnswer {
    return { user, providers: this.providers.list(), operatorPage: this.operatorPage };
  }

  /** Ends the session and revokes the tokens that came with it. The page follows `url` to end the provider's session, too. */
  @Post('logout')
  @HttpCode(200)
  @UseGuards(SessionGuard)
  async logout(
    @CurrentUser() user: SessionUser,
    @Req() { session }: FastifyRequest,
  ): Promise<{ url: string | null }> {
    try {
      await this.tokens.revokeTokens({ userId: user.id, provider: user.provider });
    } finally {
      await session.destroy();
    }
    return { url: await this.logouts.endSessionUrl(user.provider) };
  }
}
