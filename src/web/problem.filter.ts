import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { STATUS_CODES } from 'node:http';

/** Errors as problem documents (RFC 9457), except the library's own, for which it brings a filter of the same kind. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const { status, detail } = this.describe(error);
    const problem = { type: 'about:blank', title: STATUS_CODES[status], status, detail };
    void reply.status(status).type('application/problem+json').send(problem);
  }

  private describe(error: unknown): { status: number; detail?: string } {
    if (error instanceof HttpException) return { status: error.getStatus(), detail: error.message };
    const status = (error as { statusCode?: unknown } | null)?.statusCode;
    if (typeof status === 'number' && status >= 400 && status < 500) return { status };
    this.logger.error(error instanceof Error ? error.stack : 'something that is not an error was thrown');
    return { status: 500 };
  }
}
