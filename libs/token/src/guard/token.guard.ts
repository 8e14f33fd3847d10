import {
  type CanActivate,
  type ExecutionContext,
  Inject,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { TokenConfigurationError } from '../common/errors.js';
import type { IssuedAccessToken } from '../common/tokens.js';
import { TokenService } from '../token.service.js';
import type { PrincipalOf } from './principal.js';
import { REQUIRED_TOKEN, type RequiredToken } from './use-token.decorator.js';

export const PRINCIPAL_OF = Symbol('tokenward principal');

const fetched = new WeakMap<object, IssuedAccessToken>();

/** The token that the guard has fetched for this request. */
export function tokenOf(request: object): IssuedAccessToken {
  const token = fetched.get(request);
  if (!token)
    throw new TokenConfigurationError(
      ['@AccessToken() needs @UseGuards(TokenGuard) and @UseToken(provider) on the route or its controller.'],
      'GUARD_MISSING',
    );
  return token;
}

/**
 * Lets a request through when its user has a valid token of the provider named by `@UseToken`; refreshes it if need be.
 * Nobody logged in: 401. No usable token: the `TokenError` says why, as a problem document.
 */
@Injectable()
export class TokenGuard implements CanActivate {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(TokenService) private readonly tokens: TokenService,
    @Inject(PRINCIPAL_OF) private readonly principalOf: PrincipalOf,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const required = this.reflector.getAllAndOverride<RequiredToken | undefined>(REQUIRED_TOKEN, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (!required)
      throw new TokenConfigurationError(
        [`TokenGuard on ${context.getClass().name} needs @UseToken(provider).`],
        'GUARD_INCOMPLETE',
      );
    const principal = await this.principalOf(context);
    if (!principal) throw new UnauthorizedException();
    const { provider, scope } = required;
    const token = await this.tokens.getAccessToken(
      { ...principal, provider },
      scope === undefined ? {} : { scope },
    );
    fetched.set(context.switchToHttp().getRequest<object>(), token);
    return true;
  }
}
