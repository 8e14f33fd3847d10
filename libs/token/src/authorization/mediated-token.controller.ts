import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Header,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Post,
  UseFilters,
  UseGuards,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Clock } from '../common/clock.js';
import { ReauthorizationRequiredError, type TokenError, TokenNotFoundError } from '../common/errors.js';
import { CurrentSession } from '../session/current-session.decorator.js';
import { SessionGuard } from '../session/session.guard.js';
import type { Session } from '../session/session.types.js';
import { TokenService } from '../token.service.js';
import { AUTHORIZATION_OPTIONS } from './authorization.tokens.js';
import type { ResolvedAuthorizationOptions } from './resolve-options.js';

/** RFC 6749 §5.1, without what no page may have. */
interface MediatedToken {
  access_token: string;
  token_type: string;
  expires_in?: number;
  scope?: string;
}

/** For a page a user who has to log in again is one who is not logged in. */
@Catch(ReauthorizationRequiredError, TokenNotFoundError)
export class LogInAgainFilter implements ExceptionFilter<TokenError> {
  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  catch({ name, code, message }: TokenError, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    httpAdapter.setHeader(response, 'Content-Type', 'application/problem+json');
    const type = `urn:tokenward:${code.toLowerCase().replaceAll('_', '-')}`;
    httpAdapter.reply(
      response,
      JSON.stringify({ type, title: name, status: 401, code, detail: message }),
      401,
    );
  }
}

/** Hands access tokens to the page that calls an API by itself (draft-ietf-oauth-browser-based-apps, token-mediating backend). */
@Controller()
@UseGuards(SessionGuard)
@UseFilters(LogInAgainFilter)
export class MediatedTokenController {
  constructor(
    @Inject(TokenService) private readonly tokens: TokenService,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(AUTHORIZATION_OPTIONS) private readonly options: ResolvedAuthorizationOptions,
  ) {}

  @Post('token/:provider')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async token(
    @CurrentSession() { tenantId, userId, login }: Session,
    @Param('provider') provider: string,
  ): Promise<MediatedToken> {
    if (!this.options.mediated.includes(provider))
      throw new NotFoundException('Tokens of this provider are not handed to pages.');
    const account = login?.provider === provider ? login.account : 'default';
    const { value, tokenType, expiresAt, scope } = await this.tokens.getAccessToken({
      tenantId,
      userId,
      provider,
      account,
    });
    return {
      access_token: value,
      token_type: tokenType,
      ...(expiresAt !== null && {
        expires_in: Math.max(0, Math.floor((expiresAt.getTime() - this.clock.machineTime()) / 1000)),
      }),
      ...(scope !== null && { scope }),
    };
  }
}
