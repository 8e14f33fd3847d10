import { Body, Controller, Header, HttpCode, Inject, Logger, Param, Post, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { BackchannelService, LogoutRefused } from './backchannel.service.js';
import { headerOf, type HttpRequest } from './http.js';

/** RFC 6749 §5.2, as OpenID Connect Back-Channel Logout 1.0 §2.8 has it. */
interface LogoutError {
  error: 'invalid_request';
  error_description: string;
}

const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;

/** The one route that a provider calls, not a browser: what it sends is believed because it is signed. */
@Controller()
export class BackchannelController {
  readonly #logger = new Logger('Tokenward');

  constructor(
    @Inject(BackchannelService) private readonly logouts: BackchannelService,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  @Post('backchannel-logout/:provider')
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  async logOut(
    @Param('provider') provider: string,
    @Body() body: unknown,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: object,
  ): Promise<LogoutError | undefined> {
    try {
      if (!FORM.test(headerOf(request, 'content-type') ?? ''))
        throw new LogoutRefused('the content type must be application/x-www-form-urlencoded');
      const { logout_token: token } = (body ?? {}) as Record<string, unknown>;
      await this.logouts.logOut(provider, token);
      return undefined;
    } catch (error) {
      // The specification has one status for requests that are wrong and for log-outs that have failed.
      this.adapterHost.httpAdapter.status(response, 400);
      if (error instanceof LogoutRefused)
        return { error: 'invalid_request', error_description: error.message };
      this.#logger.error(error instanceof Error ? error.stack : 'a log-out of the provider has failed');
      return { error: 'invalid_request', error_description: 'the log-out has failed: send it again' };
    }
  }
}
