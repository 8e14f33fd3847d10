import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExceptionFilter,
  Header,
  Headers,
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
import { ReauthorizationRequiredError, TokenNotFoundError } from '../common/errors.js';
import { IssuedAccessToken } from '../common/tokens.js';
import { CurrentSession } from '../session/current-session.decorator.js';
import { SessionGuard, sessionOf } from '../session/session.guard.js';
import type { Session } from '../session/session.types.js';
import { TokenService } from '../token.service.js';
import { AUTHORIZATION_OPTIONS } from './authorization.tokens.js';
import { RefusedTokens } from './refused-tokens.js';
import type { ResolvedAuthorizationOptions } from './resolve-options.js';

/** RFC 6749 §5.1, without what no page may have. */
interface MediatedToken {
  access_token: string;
  token_type: string;
  expires_in?: number;
  scope?: string;
}

/**
 * For a page, a user who has to log in again where the session comes from is one who is not logged in (401). Another
 * provider's token is refused (403): the user connects that one, and stays logged in.
 */
@Catch(ReauthorizationRequiredError, TokenNotFoundError)
export class NoTokenFilter implements ExceptionFilter<ReauthorizationRequiredError | TokenNotFoundError> {
  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  catch(
    { name, code, message, provider }: ReauthorizationRequiredError | TokenNotFoundError,
    host: ArgumentsHost,
  ): void {
    const { httpAdapter } = this.adapterHost;
    const http = host.switchToHttp();
    const response: unknown = http.getResponse();
    const status = sessionOf(http.getRequest<object>()).login?.provider === provider ? 401 : 403;
    httpAdapter.setHeader(response, 'Content-Type', 'application/problem+json');
    const type = `urn:tokenward:${code.toLowerCase().replaceAll('_', '-')}`;
    httpAdapter.reply(response, JSON.stringify({ type, title: name, status, code, detail: message }), status);
  }
}

/** Hands access tokens to the page that calls an API by itself (draft-ietf-oauth-browser-based-apps, token-mediating backend). */
@Controller()
@UseGuards(SessionGuard)
@UseFilters(NoTokenFilter)
export class MediatedTokenController {
  constructor(
    @Inject(TokenService) private readonly tokens: TokenService,
    @Inject(RefusedTokens) private readonly refused: RefusedTokens,
    @Inject(Clock) private readonly clock: Clock,
    @Inject(AUTHORIZATION_OPTIONS) private readonly options: ResolvedAuthorizationOptions,
  ) {}

  @Post('token/:provider')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async token(
    @CurrentSession() { tenantId, userId, login }: Session,
    @Param('provider') provider: string,
    @Headers('x-tokenward-refused') refused?: string,
  ): Promise<MediatedToken> {
    if (!this.options.mediated.includes(provider))
      throw new NotFoundException('Tokens of this provider are not handed to pages.');
    const account = login?.provider === provider ? login.account : 'default';
    const ref = { tenantId, userId, provider, account };
    const token = await (refused === undefined ? this.tokens.getAccessToken(ref) : this.refused.replace(ref));
    const { value, tokenType, scope } = token;
    const msLeft = IssuedAccessToken.millisecondsLeft(token, this.clock.monotonic());
    return {
      access_token: value,
      token_type: tokenType,
      ...(msLeft !== null && { expires_in: Math.max(0, Math.floor(msLeft / 1000)) }),
      ...(scope !== null && { scope }),
    };
  }
}
