import type { ExecutionContext } from '@nestjs/common';

/** Who is calling: the owner of the tokens that a guarded route uses. */
export interface Principal {
  userId: string;
  tenantId?: string;
  account?: string;
}

/** Finds the caller of a request; null means nobody is logged in. */
export type PrincipalOf = (context: ExecutionContext) => Principal | null | Promise<Principal | null>;

/** `req.user` as Passport and most guards leave it: `userId`, `id` or `sub`, and `tenantId` where there is one. */
export const principalFromRequest: PrincipalOf = (context) => {
  const { user } = context.switchToHttp().getRequest<{ user?: Record<string, unknown> }>();
  const id = user?.['userId'] ?? user?.['id'] ?? user?.['sub'];
  if (typeof id !== 'string' && typeof id !== 'number') return null;
  const tenantId = user?.['tenantId'];
  return { userId: String(id), ...(typeof tenantId === 'string' && { tenantId }) };
};
