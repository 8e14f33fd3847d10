import {
  ForbiddenException,
  HttpException,
  HttpStatus,
  Injectable,
  Logger,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdminCredential } from './admin.credential.js';
import { FailedAttempts } from './failed-attempts.js';

/** The area's own pages and addresses that somebody has typed; scripts do not tell. */
const ownSites = new Set([undefined, 'same-origin', 'none']);

/**
 * Lets the operator pass: the user `admin` with the password of the configuration. No session of a user helps. A browser
 * sends the password along whatever page asks, and asks its user for it where it has none: pages of others get neither.
 */
@Injectable()
export class AdminGuard implements CanActivate {
  private readonly logger = new Logger('Admin');

  constructor(
    private readonly credential: AdminCredential,
    private readonly attempts: FailedAttempts,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { ip, headers } = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (!ownSites.has(headers['sec-fetch-site']))
      throw new ForbiddenException('This request comes from a page of another origin.');
    const wait = this.attempts.waitSeconds(ip);
    if (wait > 0) {
      // Not even the right password is looked at, or waiting would cost nothing.
      reply.header('retry-after', String(wait));
      throw new HttpException(
        `Too many wrong passwords from your address. Try again in ${wait} s.`,
        HttpStatus.TOO_MANY_REQUESTS,
      );
    }
    const { authorization } = headers;
    if (authorization !== undefined) {
      if (this.credential.matches(authorization)) return true;
      this.attempts.add(ip);
      this.logger.warn(`a wrong password for the admin area came from ${ip}`);
    }
    reply.header('www-authenticate', 'Basic realm="Tokenward admin", charset="UTF-8"');
    throw new UnauthorizedException('This needs the user "admin" and the admin password.');
  }
}
