import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { KeyUnavailableError, TokenError } from '@tokenward/nestjs';
import type { FastifyReply } from 'fastify';
import { messagePage } from '../web/message-page.js';
import { LoginFault } from './login.fault.js';

/** Log-in is where a person waits in front of a browser: whatever goes wrong is told on a page, and without detail. */
@Catch()
export class LoginFaultFilter implements ExceptionFilter {
  private readonly logger = new Logger(LoginFaultFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const { status, title, text } = this.pageOf(error);
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    void reply.status(status).type('text/html; charset=utf-8').send(messagePage(title, text));
  }

  private pageOf(error: unknown): LoginFault['page'] {
    if (error instanceof LoginFault) return error.page;
    if (error instanceof HttpException) {
      return { status: error.getStatus(), title: 'That is not here', text: error.message };
    }
    if (error instanceof TokenError) {
      this.logger.warn(`log-in: ${error.code}: ${error.message}`);
      if (error instanceof KeyUnavailableError && error.reason === 'KEY_DESTROYED')
        return new LoginFault('shredded').page;
      return {
        status: 502,
        title: 'Your tokens could not be stored',
        text: 'Nothing has changed. Please try again.',
      };
    }
    this.logger.error(error instanceof Error ? error.stack : 'something that is not an error was thrown');
    return { status: 500, title: 'That did not work', text: 'You are not logged in. Please try again.' };
  }
}
