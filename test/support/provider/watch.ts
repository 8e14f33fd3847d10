import type { Oracle } from '@tokenward/nestjs/testing';
import type { AccessToken, KoaContextWithOIDC, RefreshToken, default as Provider } from 'oidc-provider';

/** Lets the oracle see what oidc-provider does. */
export function watch(provider: Provider, oracle: Oracle): void {
  provider.on('access_token.saved', ({ jti }: AccessToken) => oracle.issue(jti));
  provider.on('refresh_token.saved', ({ jti, grantId }: RefreshToken) => oracle.issue(jti, grantId ?? ''));
  provider.on('refresh_token.consumed', ({ jti }: RefreshToken) => oracle.consume(jti));
  provider.on('refresh_token.destroyed', ({ jti }: RefreshToken) => oracle.forget(jti));
  // The tokens of its grant are gone with a revoked access token, of which oidc-provider says nothing else.
  provider.on('access_token.destroyed', ({ grantId }: AccessToken) => oracle.revokeGrant(grantId ?? ''));
  provider.on('grant.revoked', (_ctx, grantId) => oracle.revokeGrant(grantId));
  provider.use((ctx: KoaContextWithOIDC, next) => follow(ctx, next, oracle));
}

async function follow(ctx: KoaContextWithOIDC, next: () => Promise<void>, oracle: Oracle): Promise<void> {
  await next();
  if (ctx.path !== '/token' && ctx.path !== '/token/revocation') return;
  const params = Object.entries(ctx.oidc?.params ?? {}).filter(
    (entry): entry is [string, string] => !!entry[1],
  );
  const form = new URLSearchParams(params);
  const { error: outcome = 'ok' } = ctx.body as { error?: string };
  if (ctx.path === '/token') oracle.answered(form, outcome);
  else oracle.revocation(form, outcome);
}
