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
  // A tenant of another kind is handed on, to be refused: nobody falls into the default tenant by accident.
  const tenantId = user?.['tenantId'] as string | number | null | undefined;
  return {
    userId: String(id),
    ...(tenantId !== undefined &&
      tenantId !== null && { tenantId: typeof tenantId === 'number' ? String(tenantId) : tenantId }),
  };
};
