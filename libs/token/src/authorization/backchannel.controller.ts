import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  Header,
  HttpCode,
  Inject,
  Logger,
  Param,
  Post,
  Req,
  UseFilters,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { BackchannelService, LogoutRefused } from './backchannel.service.js';
import { headerOf, type HttpRequest } from './http.js';

const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

/**
 * Answers as OpenID Connect Back-Channel Logout 1.0 §2.8 wants it, which has one status for requests that are wrong and for
 * log-outs that have failed.
 */
@Catch()
export class LogoutErrorFilter implements ExceptionFilter {
  readonly #logger = new Logger('Tokenward');

  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const refused = error instanceof LogoutRefused;
    if (!refused)
      this.#logger.error(error instanceof Error ? error.stack : 'a log-out of the provider has failed');
    const { httpAdapter } = this.adapterHost;
    const response: unknown = host.switchToHttp().getResponse();
    httpAdapter.setHeader(response, 'Content-Type', 'application/json');
    httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
    const description = refused ? error.message : 'the log-out has failed: send it again';
    httpAdapter.reply(
      response,
      JSON.stringify({ error: 'invalid_request', error_description: description }),
      400,
    );
  }
}

/** The one route that a provider calls, not a browser: what it sends is believed because it is signed. */
@Controller()
@UseFilters(LogoutErrorFilter)
export class BackchannelController {
  constructor(@Inject(BackchannelService) private readonly logouts: BackchannelService) {}

  @Post('backchannel-logout/:provider')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async logOut(
    @Param('provider') provider: string,
    @Body() body: unknown,
    @Req() request: HttpRequest,
  ): Promise<void> {
    if (!FORM.test(headerOf(request, 'content-type') ?? ''))
      throw new LogoutRefused('the content type must be application/x-www-form-urlencoded');
    const { logout_token: token } = (body ?? {}) as Record<string, unknown>;
    await this.logouts.logOut(provider, token);
  }
}
