import { type ArgumentsHost, Catch, type ExceptionFilter, Inject, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { throwError } from 'rxjs';
import {
  CrossSiteRequestError,
  KeyStateError,
  ProviderUnavailableError,
  ReauthorizationRequiredError,
  ScopeNotGrantedError,
  SessionRequiredError,
  TokenError,
  TokenInputError,
  TokenNotFoundError,
} from '../common/errors.js';

interface Destroyable {
  destroy(): void;
}

/** What a client may be told: about its own user's token in full, about the server only that it has a fault. */
function publicAnswer(error: TokenError): { status: number; detail: string } {
  // The full message would name the other providers.
  if (error.code === 'PROVIDER_UNKNOWN') return { status: 400, detail: 'provider: is not configured' };
  if (error instanceof TokenInputError) return { status: 400, detail: error.message };
  if (error instanceof SessionRequiredError) return { status: 401, detail: error.message };
  // Only who may change keys meets it, and has to learn what stands in the way.
  if (error instanceof KeyStateError) return { status: 409, detail: error.message };
  if (
    error instanceof TokenNotFoundError ||
    error instanceof ReauthorizationRequiredError ||
    error instanceof ScopeNotGrantedError ||
    error instanceof CrossSiteRequestError
  ) {
    return { status: 403, detail: error.message };
  }
  if (error instanceof ProviderUnavailableError)
    return { status: 503, detail: `Provider "${error.provider}" cannot be asked now. Try again later.` };
  if (error.code === 'TOO_MANY_STREAMS') return { status: 429, detail: error.message };
  if (error.code === 'KEY_UNAVAILABLE')
    return { status: 503, detail: 'Stored tokens cannot be opened now. Try again later.' };
  if (error.code.startsWith('API_') && error.code !== 'API_REQUEST_INVALID')
    return { status: 502, detail: 'The API that was called on your behalf did not answer as it should.' };
  return { status: 500, detail: 'The server cannot use the stored token; its log tells more.' };
}

/** Answers `TokenError`s as problem documents (RFC 9457). `code` is what clients should look at. */
@Catch(TokenError)
export class TokenExceptionFilter implements ExceptionFilter<TokenError> {
  readonly #logger = new Logger('Tokenward');

  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  catch(error: TokenError, host: ArgumentsHost): unknown {
    if (host.getType() === 'rpc') return throwError(() => error);
    if (host.getType() !== 'http') return error;
    const { status, detail } = publicAnswer(error);
    if (status >= 500) this.#logger.error(`${error.code}: ${error.message}`);
    const { httpAdapter } = this.adapterHost;
    const response = host.switchToHttp().getResponse<Destroyable & { raw?: Destroyable }>();
    if (httpAdapter.isHeadersSent(response)) {
      // Too late for an answer: what was sent so far must not look complete.
      this.#logger.error(`${error.code} after the headers were sent: ${error.message}`);
      (response.raw ?? response).destroy();
      return undefined;
    }
    httpAdapter.setHeader(response, 'Content-Type', 'application/problem+json');
    if (error instanceof ProviderUnavailableError)
      httpAdapter.setHeader(response, 'Retry-After', String(error.retryAfter));
    const type = `urn:tokenward:${error.code.toLowerCase().replaceAll('_', '-')}`;
    const problem = { type, title: error.name, status, code: error.code, detail };
    // As text: Nest's Express adapter warns about objects whose content type is not plain JSON.
    httpAdapter.reply(response, JSON.stringify(problem), status);
    return undefined;
  }
}
