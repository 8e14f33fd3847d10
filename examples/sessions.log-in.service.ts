import { Injectable } from '@nestjs/common';
import { TokenService } from '@tokenward/nestjs';
import { type SessionRequest, type SessionResponse, SessionService } from '@tokenward/nestjs/session';
import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client';

/** What comes after the authorization code was exchanged, as in `login.controller.ts`. */
@Injectable()
export class LogInService {
  constructor(
    private readonly tokens: TokenService,
    private readonly sessions: SessionService,
  ) {}

  async finish(
    request: SessionRequest,
    response: SessionResponse,
    answer: TokenEndpointResponse & TokenEndpointResponseHelpers,
  ): Promise<void> {
    const { sub, sid, name } = answer.claims()!;
    await this.tokens.storeTokens({ userId: sub, provider: 'google' }, answer);
    await this.sessions.start(request, response, {
      userId: sub,
      login: { provider: 'google', subject: sub, ...(typeof sid === 'string' && { sid }) },
      attributes: { name },
      userAgent: String(request.headers['user-agent'] ?? ''),
    });
  }
}
