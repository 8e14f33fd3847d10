import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { sessionOf } from './session.guard.js';

/** The session of the request, on routes behind `SessionGuard`. */
export const CurrentSession: () => ParameterDecorator = createParamDecorator(
  (_data: unknown, context: ExecutionContext) => sessionOf(context.switchToHttp().getRequest<object>()),
);
