import { ForbiddenException, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

const harmless = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Whatever changes something needs the header `x-tokenward-csrf: 1`. A page of another origin cannot send a header of
 * its own without being allowed to by CORS, and nobody is; should a gateway allow it, the browser still says where the
 * request comes from (Fetch Metadata §2.3). Scripts say nothing of that.
 */
@Injectable()
export class CsrfGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { method, headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (harmless.has(method)) return true;
    if (headers['x-tokenward-csrf'] !== '1')
      throw new ForbiddenException('This request needs the header "x-tokenward-csrf: 1".');
    if (!['same-origin', undefined].includes(headers['sec-fetch-site']))
      throw new ForbiddenException('This request comes from a page of another origin.');
    return true;
  }
}
