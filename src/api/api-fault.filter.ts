import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { ReauthorizationRequiredError, TokenNotFoundError } from '@tokenward/nestjs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiFault } from './api.fault.js';

type LoginNeeded = ReauthorizationRequiredError | TokenNotFoundError;

const problem = (status: number, title: string, code: string, detail: string) => ({
  type: `urn:tokenward:${code.toLowerCase().replaceAll('_', '-')}`,
  title,
  status,
  code,
  detail,
});

/** Problem documents (RFC 9457). Where only the user can help, `login` is the address to send the browser to. */
@Catch(ApiFault, ReauthorizationRequiredError, TokenNotFoundError)
export class ApiFaultFilter implements ExceptionFilter<ApiFault | LoginNeeded> {
  private readonly logger = new Logger('ApiProxy');

  catch(error: ApiFault | LoginNeeded, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    void reply.type('application/problem+json');
    if (!(error instanceof ApiFault)) {
      const { name, code, message, provider } = error;
      void reply
        .status(403)
        .send({ ...problem(403, name, code, message), provider, login: `/auth/login/${provider}` });
      return;
    }
    const { status, title, code, message, retryAfter } = error;
    if (status >= 500) this.logger.warn(`${code}: ${this.call(host)}: ${message}`);
    if (retryAfter !== null) void reply.header('retry-after', String(retryAfter));
    void reply.status(status).send(problem(status, title, code, message));
  }

  /** Without the query, which may hold secrets. */
  private call(host: ArgumentsHost): string {
    const { method, url } = host.switchToHttp().getRequest<FastifyRequest>();
    return `${method} ${url.split('?')[0]}`;
  }
}
