import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { IssuedAccessToken } from '../common/tokens.js';
import { tokenOf } from './token.guard.js';

/** The access token that `TokenGuard` has fetched for this request. */
export const AccessToken: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => tokenOf(context.switchToHttp().getRequest<object>()),
);

/** A valid access token: `value`, `expiresAt`, `tokenType`, `scope`. Its value is never printed. */
export type AccessToken = IssuedAccessToken;
