import type { KoaContextWithOIDC } from 'oidc-provider';

type Middleware = (ctx: KoaContextWithOIDC, next: () => Promise<void>) => Promise<void>;

/**
 * Requests to one path are answered one after the other. Between finding a refresh token and marking it used,
 * oidc-provider lets other requests in, so that two at once could both succeed; a strict provider catches the second.
 */
export function inTurn(path: string): Middleware {
  let last = Promise.resolve();
  return (ctx, next) => {
    if (ctx.path !== path) return next();
    const answer = last.then(next);
    last = answer.catch(() => undefined);
    return answer;
  };
}
