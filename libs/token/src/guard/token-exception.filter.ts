import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import {
  DecryptionError,
  KeyUnavailableError,
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  ScopeNotGrantedError,
  TokenError,
  TokenInputError,
  TokenNotFoundError,
} from '../common/errors.js';

/** What a client may be told: about its own user's token, or only that the server has a fault. */
function statusOf(error: TokenError): number {
  if (error instanceof TokenInputError) return 400;
  if (
    error instanceof TokenNotFoundError ||
    error instanceof ReauthorizationRequiredError ||
    error instanceof ScopeNotGrantedError
  )
    return 403;
  if (error instanceof ProviderUnavailableError || error instanceof KeyUnavailableError) return 503;
  return error.code.startsWith('API_') ? 502 : 500;
}

/** Answers `TokenError`s as problem documents (RFC 9457). `code` is what clients should look at. */
@Catch(TokenError)
export class TokenExceptionFilter implements ExceptionFilter<TokenError> {
  readonly #logger = new Logger('Tokenward');

  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  catch(error: TokenError, host: ArgumentsHost): void {
    // Nothing to answer on: microservices and GraphQL have filters of their own.
    if (host.getType() !== 'http') throw error;
    const status = statusOf(error);
    const server = status === 500 || error instanceof KeyUnavailableError || error instanceof DecryptionError;
    if (server) this.#logger.error(`${error.code}: ${error.message}`);
    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<object>();
    httpAdapter.setHeader(response, 'Content-Type', 'application/problem+json');
    if (error instanceof ProviderUnavailableError)
      httpAdapter.setHeader(response, 'Retry-After', String(error.retryAfter));
    const detail = server ? 'The server cannot use the stored token; its log tells more.' : error.message;
    const body = {
      type: `urn:tokenward:${error.code.toLowerCase().replaceAll('_', '-')}`,
      title: error.name,
      status,
      code: error.code,
      detail,
    };
    httpAdapter.reply(response, body, status);
  }
}
