import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Inject,
  Logger,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import {
  KeyUnavailableError,
  ReauthorizationRequiredError,
  TokenError,
  TokenInputError,
} from '../common/errors.js';
import { TokenEvents } from '../common/events.js';
import { OF_ANOTHER_USER } from '../oauth/id-token.js';
import { Providers } from '../oauth/providers.js';
import { AUTHORIZATION_OPTIONS } from './authorization.tokens.js';
import { AuthorizationFault, type AuthorizationMessage, messageOf } from './faults.js';
import { messagePage } from './message-page.js';
import type { ResolvedAuthorizationOptions } from './resolve-options.js';

const NO_CONTENT_BUT_TEXT = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'";

/** A log-in is where a person waits in front of a browser: whatever goes wrong is told on a page, and without detail. */
@Catch()
export class AuthorizationFaultFilter implements ExceptionFilter {
  readonly #logger = new Logger('Tokenward');

  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(TokenEvents) private readonly events: TokenEvents,
    @Inject(Providers) private readonly providers: Providers,
    @Inject(AUTHORIZATION_OPTIONS) private readonly options: ResolvedAuthorizationOptions,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const message = error instanceof HttpException ? hostMessage(error) : this.told(error, http.getRequest());
    const { page, returnTo } = this.options;
    const { httpAdapter } = this.adapterHost;
    const response: unknown = http.getResponse();
    httpAdapter.setHeader(response, 'Content-Type', 'text/html; charset=utf-8');
    httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
    // The address of this page may hold a code.
    httpAdapter.setHeader(response, 'Referrer-Policy', 'no-referrer');
    if (page === null) httpAdapter.setHeader(response, 'Content-Security-Policy', NO_CONTENT_BUT_TEXT);
    httpAdapter.reply(
      response,
      page === null ? messagePage(message, returnTo) : page(message),
      message.status,
    );
  }

  private told(error: unknown, { params }: { params?: { provider?: unknown } }): AuthorizationMessage {
    const fault = faultOf(error);
    // Events hold no words of others: what went wrong in `userOf` is told to the log alone.
    if (fault.reason === 'failed' && error instanceof Error) this.#logger.error(error.stack ?? error.name);
    const name = params?.provider;
    // A name that is made up must not become a label.
    if (typeof name === 'string' && this.providers.find(name))
      this.events.emit({
        type: 'authorization',
        provider: name,
        outcome: fault.reason,
        ...(fault.detail !== null && { reason: fault.detail }),
      });
    return messageOf(fault.reason);
  }
}

/** What the application itself has thrown, in `userOf` or a guard, is told as it says. */
const hostMessage = (error: HttpException): AuthorizationMessage => ({
  ...messageOf('failed'),
  status: error.getStatus(),
  text: error.message,
});

function faultOf(error: unknown): AuthorizationFault {
  if (error instanceof AuthorizationFault) return error;
  if (error instanceof KeyUnavailableError)
    return new AuthorizationFault(error.reason === 'KEY_DESTROYED' ? 'shredded' : 'not_stored', error.reason);
  if (error instanceof TokenInputError && error.code === 'ID_TOKEN_REJECTED')
    return new AuthorizationFault(
      error.message.endsWith(OF_ANOTHER_USER) ? 'other_account' : 'refused',
      error.message,
    );
  if (error instanceof TokenInputError) return new AuthorizationFault('refused', error.message);
  if (error instanceof ReauthorizationRequiredError) return new AuthorizationFault('expired', error.reason);
  if (error instanceof TokenError) return new AuthorizationFault('not_stored', error.code);
  return new AuthorizationFault('failed', error instanceof Error ? error.name : typeof error);
}
