import { ForbiddenException, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

const harmless = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whatever changes something needs the header `x-tokenward-csrf: 1`. A page of another origin cannot send a header of
 * its own without being allowed to by CORS, and nobody is.
 */
@Injectable()
export class CsrfGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { method, headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (harmless.has(method) || headers['x-tokenward-csrf'] === '1') return true;
    throw new ForbiddenException('This request needs the header "x-tokenward-csrf: 1".');
  }
}
